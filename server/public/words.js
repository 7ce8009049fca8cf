/** What the page says to people. */

/** What one may ask, and what one may have said. */
export const QUESTIONS = [
  'Who are you?',
  'What is vizavi?',
  'How fast do you answer?',
  'Can I use a face of my own?',
  'How do I put you on my website?',
  'What do you cost?',
];
export const LINES = [
  'Hello! I am glad that you are here.',
  'Maybe Bob and Pam will move the big blue piano to the window.',
  'I answer in the blink of an eye, and when you interrupt me I fall silent at once. Go on, try it while I am speaking: I could go on like this for quite a while!',
];

const BUSY = [
  'Everyone is busy',
  'All avatars are in a conversation right now. Please try again in a moment.',
];
const RESTARTING = [
  'The server is restarting',
  'It cannot take new conversations for the moment. Please try again shortly.',
];

/** Why a session ended → title and text. */
export const STOPPED = {
  ok: ['Goodbye', 'The conversation was ended.'],
  client: ['Goodbye', 'You ended the conversation.'],
  time_limit: ['Time is up', 'This conversation has reached its longest duration.'],
  inactivity: ['Still there?', 'Nothing was said for a while, so the conversation was ended.'],
  network: ['Connection lost', 'You were cut off for too long. Check your network, then start again.'],
  no_capacity: BUSY,
  server: ['The avatar has stopped', 'The server had to end this conversation. Please start again.'],
};

const FAILED = {
  no_capacity: BUSY,
  too_many_requests: [
    'Too many conversations',
    'This server opens only so many in a minute. Please wait a minute.',
  ],
  too_many_viewers: [
    'This conversation is full',
    'Close it in another tab, or start again for one of your own.',
  ],
  unauthorized: [
    'A key is needed',
    'This server opens conversations only for applications with an API key. Ask yours for a link that ends in #token=…',
  ],
  forbidden: [
    'Not from here',
    'Without API keys this server talks only to its own machine, at http://localhost.',
  ],
  token_expired: ['This link has expired', 'Ask for a new one.'],
  invalid_state: ['This conversation is over', 'Ask for a new link, or start again.'],
  not_found: ['This conversation is over', 'Ask for a new link, or start again.'],
  unsupported_device: [
    'This browser cannot show the avatar',
    'It has no WebRTC or no H.264 video. A current Chrome, Edge, Safari or Firefox has both.',
  ],
  media_failed: [
    'No picture',
    'The video did not get through. Try again, or another network: a firewall may block it.',
  ],
  unavailable: RESTARTING,
  timeout: ['No answer', 'The server cannot be reached. Is it running, and are you online?'],
  offline: ['You are offline', 'Connect to a network, then start again.'],
};

/** Why nobody understands what is said into the microphone. */
export const UNHEARD = {
  unsupported: 'This browser does not turn speech into text: please type. Speaking still interrupts.',
  refused: 'Speech recognition was refused: please type.',
  failed: 'Speech recognition failed: please type.',
};

/** Why there is no microphone. */
export function microphoneFailure({ code, message }) {
  if (code === 'forbidden')
    return 'The microphone is not allowed. The browser’s address bar can change that.';
  if (code === 'unsupported_device') return 'There is no microphone.';
  return message;
}

/** Where somebody stands who waits for an avatar. */
export function queued({ position, estimateMs }) {
  const place = position === 1 ? 'You are next' : `You are number ${position}`;
  if (estimateMs === null) return `${place}. The avatar is in another conversation…`;
  const seconds = Math.max(5, Math.round(estimateMs / 5000) * 5);
  const wait = seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  return `${place} · about ${wait}`;
}

/** Title and text for whatever kept a conversation from starting. */
export function failure(error) {
  return FAILED[navigator.onLine ? error.code : 'offline'] ?? ['Something went wrong', error.message];
}
