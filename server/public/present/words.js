/** What the pages of a presentation say to people. */

const OVER = ['This presentation is over', 'Ask for a new link if you expected another one.'];

/** Why a session ended → title and text. */
const STOPPED = {
  ok: ['Thank you for watching', 'The presentation has ended.'],
  client: ['Thank you for watching', 'The presentation has ended.'],
  time_limit: ['Time is up', 'The presentation has reached its longest duration.'],
  inactivity: ['Still there?', 'Nothing happened for a while, so the presentation was ended.'],
  network: ['Connection lost', 'You were cut off for too long. Check your network, then try again.'],
  no_capacity: ['No avatar is free', 'All avatars are in other conversations. Please try again in a moment.'],
  server: ['The avatar has stopped', 'The server had to end this presentation.'],
};

const FAILED = {
  no_capacity: STOPPED.no_capacity,
  too_many_requests: [
    'Too many sessions',
    'This server opens only so many in a minute. Please wait a minute.',
  ],
  too_many_viewers: ['The room is full', 'As many watch as this server allows. Try again in a moment.'],
  unauthorized: [
    'A link is needed',
    'Without one nobody comes in here: ask for a link that ends in #token=…',
  ],
  forbidden: ['Not from here', 'Without API keys this server talks only to its own machine.'],
  token_expired: ['This link has expired', 'Ask for a new one.'],
  invalid_state: OVER,
  not_found: OVER,
  unsupported_device: [
    'This browser cannot show the avatar',
    'It has no WebRTC or no H.264 video. A current Chrome, Edge, Safari or Firefox has both.',
  ],
  media_failed: [
    'No picture',
    'The video did not get through. A firewall may block it: try another network.',
  ],
  unavailable: ['The server is restarting', 'Please try again shortly.'],
  timeout: ['No answer', 'The server cannot be reached. Are you online?'],
};

export const stopped = (reason) => STOPPED[reason] ?? STOPPED.server;

/** Title and text for whatever kept somebody out. */
export function failure(error) {
  if (!navigator.onLine) return ['You are offline', 'Connect to a network, then try again.'];
  return FAILED[error.code] ?? ['Something went wrong', error.message];
}

/** These ends are final: coming again would not help. */
export const isFinal = (error) =>
  ['unauthorized', 'token_expired', 'invalid_state', 'not_found', 'forbidden', 'unsupported_device'].includes(
    error.code,
  );

/** Why a question was not taken. */
export function refusal(error) {
  if (error.code === 'too_many_requests') return 'Not so fast: one question at a time.';
  if (error.code === 'text_too_long') return 'That is too long for a question.';
  return 'Your question did not get through. Please try again.';
}

/** Milliseconds as `1:02:03`. */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
