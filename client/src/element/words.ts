import type { CloseReason, QueuePlace, VizaviError } from '@vizavi/signaling';
import { fill, readTexts, warn } from './texts.ts';

/** All that the element says; the attribute `texts` replaces any of it. */
const TEXTS = {
  meet: 'Meet {name}',
  unnamed: 'your avatar',
  notice: 'You are about to talk to an AI avatar. Face and voice are synthetic.',
  badge: 'AI avatar',
  video: '{name}, an AI avatar, live',
  start: 'Start',
  again: 'Start again',
  connecting: 'Connecting…',
  reconnecting: 'Reconnecting…',
  mending: 'One moment…',
  queuedNext: 'You are next',
  queuedPlace: 'You are number {position}',
  queuedWait: 'about {wait}',
  seconds: '{count} seconds',
  minutes: '{count} minutes',
  sound: 'Tap for sound',
  conversation: 'Conversation',
  ask: 'Ask {name}…',
  send: 'Send',
  talk: 'Talk',
  mute: 'Mute the microphone',
  push: 'Hold to talk',
  pushing: 'Listening: let go to send',
  interrupt: 'Interrupt (Esc)',
  captions: 'Captions',
  leave: 'End the conversation',
  you: 'You',
  skipped: 'Left out, as it cannot be said: {text}',
  typeInstead: 'Speech is not understood in this browser: please type.',
  microphoneForbidden: 'The microphone is not allowed on this page.',
  microphoneMissing: 'No microphone was found.',
  tooFast: 'Too much at once: please wait a moment, then ask again.',
  notSent: 'This did not get through. Please try again.',
  unsaid: 'Sorry, this could not be said. Please try again.',
  ended: 'Goodbye',
  endedText: 'The conversation was ended.',
  left: 'Goodbye',
  leftText: 'You ended the conversation.',
  timeUp: 'Time is up',
  timeUpText: 'This conversation has reached its longest duration.',
  stillThere: 'Still there?',
  stillThereText: 'Nothing was said for a while, so the conversation was ended.',
  lost: 'Connection lost',
  lostText: 'Check your network, then start again.',
  stopped: 'The avatar has stopped',
  stoppedText: 'Please start again.',
  busy: 'Everyone is busy',
  busyText: 'All avatars are in a conversation. Please try again in a moment.',
  restarting: 'One moment',
  restartingText: 'The server takes no new conversations just now. Please try again.',
  over: 'This conversation is over',
  overText: 'Start again for a new one.',
  tooMany: 'Too many conversations',
  tooManyText: 'Please wait a minute, then try again.',
  full: 'This conversation is full',
  fullText: 'Close it in another tab, or try again later.',
  unauthorized: 'Not allowed',
  unauthorizedText: 'This page has no valid token for a conversation.',
  forbidden: 'Not allowed',
  forbiddenText: 'The server does not talk to this page.',
  unsupported: 'This browser cannot show the avatar',
  unsupportedText: 'It needs WebRTC and H.264 video.',
  noPicture: 'No picture',
  noPictureText: 'The video did not get through. Another network may help.',
  noAnswer: 'No answer',
  noAnswerText: 'The server cannot be reached.',
  offline: 'You are offline',
  offlineText: 'Connect to a network, then start again.',
  wrong: 'Something went wrong',
};
export type Words = Readonly<typeof TEXTS>;

/** Title and text. */
export type Message = readonly [title: string, text: string];
/** What has both: `busy` and `busyText`. */
type Titled = { [K in keyof Words]: `${K}Text` extends keyof Words ? K : never }[keyof Words];
type Code = VizaviError['code'];

const STOPPED: Record<CloseReason, Titled> = {
  ok: 'ended',
  client: 'left',
  time_limit: 'timeUp',
  inactivity: 'stillThere',
  network: 'lost',
  no_capacity: 'busy',
  server: 'stopped',
};

const FAILED: Partial<Record<Code, Titled>> = {
  no_capacity: 'busy',
  too_many_requests: 'tooMany',
  too_many_viewers: 'full',
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  token_expired: 'over',
  invalid_state: 'over',
  not_found: 'over',
  unsupported_device: 'unsupported',
  media_failed: 'noPicture',
  unavailable: 'restarting',
  timeout: 'noAnswer',
};

const REFUSED: Partial<Record<Code, keyof Words>> = {
  too_many_requests: 'tooFast',
  disconnected: 'notSent',
  timeout: 'notSent',
  unavailable: 'notSent',
  brain_failed: 'unsaid',
  voice_failed: 'unsaid',
  inference_failed: 'unsaid',
  internal: 'unsaid',
};

const read = new Map<string, Words>();

/** The words of a `texts` attribute. Each is read once, so that its faults are told once. */
export function readWords(json: string | null): Words {
  if (json === null) return TEXTS;
  let words = read.get(json);
  if (!words) {
    const { texts, others } = readTexts(TEXTS, json);
    for (const key of Object.keys(others)) warn(`there is no ${key.slice(0, 40)}`);
    read.set(json, (words = texts));
  }
  return words;
}

/** Why a session ended. */
export function stopped(words: Words, reason: CloseReason): Message {
  return titled(words, STOPPED[reason]);
}

/** Why a session could not start. */
export function failed(words: Words, { code, message }: VizaviError): Message {
  if (!navigator.onLine) return titled(words, 'offline');
  const key = FAILED[code];
  return key ? titled(words, key) : [words.wrong, message];
}

/** Why something was not said or not answered, in a conversation that goes on. */
export function refused(words: Words, { code, message }: VizaviError): string {
  const key = REFUSED[code];
  return key ? words[key] : message;
}

/** Why the microphone could not be used. */
export function microphoneFailed(words: Words, { code, message }: VizaviError): string {
  if (code === 'forbidden') return words.microphoneForbidden;
  if (code === 'unsupported_device') return words.microphoneMissing;
  return message;
}

/** Where somebody stands who waits for an avatar. */
export function queued(words: Words, { position, estimateMs }: QueuePlace): string {
  const place = position === 1 ? words.queuedNext : fill(words.queuedPlace, { position });
  if (estimateMs === null) return place;
  const seconds = Math.max(5, Math.round(estimateMs / 5000) * 5);
  const wait =
    seconds < 90
      ? fill(words.seconds, { count: seconds })
      : fill(words.minutes, { count: Math.round(seconds / 60) });
  return `${place} · ${fill(words.queuedWait, { wait })}`;
}

function titled(words: Words, key: Titled): Message {
  return [words[key], words[`${key}Text`]];
}
