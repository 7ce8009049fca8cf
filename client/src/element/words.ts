import type { CloseReason, QueuePlace, VizaviError } from '@vizavi/signaling';

/** Title and text. */
export type Message = readonly [title: string, text: string];

const BUSY: Message = [
  'Everyone is busy',
  'All avatars are in a conversation. Please try again in a moment.',
];
const RESTARTING: Message = [
  'One moment',
  'The server takes no new conversations just now. Please try again.',
];
const OVER: Message = ['This conversation is over', 'Start again for a new one.'];

const STOPPED: Record<CloseReason, Message> = {
  ok: ['Goodbye', 'The conversation was ended.'],
  client: ['Goodbye', 'You ended the conversation.'],
  time_limit: ['Time is up', 'This conversation has reached its longest duration.'],
  inactivity: ['Still there?', 'Nothing was said for a while, so the conversation was ended.'],
  network: ['Connection lost', 'Check your network, then start again.'],
  no_capacity: BUSY,
  server: ['The avatar has stopped', 'Please start again.'],
};

const FAILED: Partial<Record<VizaviError['code'], Message>> = {
  no_capacity: BUSY,
  too_many_requests: ['Too many conversations', 'Please wait a minute, then try again.'],
  too_many_viewers: ['This conversation is full', 'Close it in another tab, or try again later.'],
  unauthorized: ['Not allowed', 'This page has no valid token for a conversation.'],
  forbidden: ['Not allowed', 'The server does not talk to this page.'],
  token_expired: OVER,
  invalid_state: OVER,
  not_found: OVER,
  unsupported_device: ['This browser cannot show the avatar', 'It needs WebRTC and H.264 video.'],
  media_failed: ['No picture', 'The video did not get through. Another network may help.'],
  unavailable: RESTARTING,
  timeout: ['No answer', 'The server cannot be reached.'],
};

/** Why a session ended. */
export function stopped(reason: CloseReason): Message {
  return STOPPED[reason];
}

/** Why a session could not start. */
export function failed({ code, message }: VizaviError): Message {
  if (!navigator.onLine) return ['You are offline', 'Connect to a network, then start again.'];
  return FAILED[code] ?? ['Something went wrong', message];
}

/** Why the microphone could not be used. */
export function microphoneFailed({ code, message }: VizaviError): string {
  if (code === 'forbidden') return 'The microphone is not allowed on this page.';
  if (code === 'unsupported_device') return 'No microphone was found.';
  return message;
}

/** Where somebody stands who waits for an avatar. */
export function queued({ position, estimateMs }: QueuePlace): string {
  const place = position === 1 ? 'You are next' : `You are number ${position}`;
  if (estimateMs === null) return place;
  const seconds = Math.max(5, Math.round(estimateMs / 5000) * 5);
  return `${place} · about ${seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`}`;
}
