/** What the page says; `texts=` replaces any of it. */
export const TEXTS = {
  greeting: 'Hello! I am glad that you are here. What would you like to know?',
  greetingAgain: 'Here I am again.',
  goodbye: 'Goodbye, and thank you for coming by.',
  stillThere: 'Are you still there?',
  touch: 'Touch to talk',
  invitation: 'Come closer and say hello.',
  notice: 'You will be talking with an AI avatar. Its face and voice are synthetic.',
  badge: 'AI avatar',
  waking: 'One moment…',
  queued: 'I will be with you in a moment.',
  queuedNext: 'You are next.',
  queuedPlace: 'You are number {position}.',
  queuedWait: 'About {wait}.',
  seconds: '{count} seconds',
  minutes: '{count} minutes',
  listening: 'I am listening',
  hearing: 'I hear you',
  speaking: 'Touch the screen to interrupt',
  push: 'Hold to talk',
  pushing: 'Let go when you are done',
  topicsOnly: 'Choose a question',
  done: 'I am done',
  stay: 'Touch the screen, or say something, to go on.',
  mending: 'One moment, I am coming right back…',
  sound: 'Touch for sound',
  resting: 'I am taking a short break',
  restingText: 'I will be back as soon as I can.',
  camera: 'A camera notices when somebody comes. No picture is kept or sent.',
};

/** What a visitor may touch instead of asking. */
export const TOPICS = ['Who are you?', 'What can you tell me?', 'How do you work?'];

const MOST_TOPICS = 4;
const LONGEST = 300;

/**
 * @param {unknown} given `{…texts, topics: […]}`, as somebody wrote it
 * @returns {{ texts: typeof TEXTS, topics: string[], faults: string[] }}
 */
export function readTexts(given) {
  const texts = { ...TEXTS };
  const faults = [];
  let topics = TOPICS;
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    return { texts, topics, faults: ['texts: must be a JSON object'] };
  }
  const isText = (value) => typeof value === 'string' && value.trim() !== '' && value.length <= LONGEST;
  for (const [key, value] of Object.entries(given)) {
    if (key === 'topics') {
      if (Array.isArray(value) && value.every(isText)) topics = value.slice(0, MOST_TOPICS);
      else faults.push('texts: topics must be a list of texts');
    } else if (!Object.hasOwn(TEXTS, key)) faults.push(`texts: there is no ${key.slice(0, 40)}`);
    else if (isText(value)) texts[key] = value;
    else faults.push(`texts: ${key} must have 1 to ${LONGEST} characters`);
  }
  return { texts, topics, faults };
}

/**
 * Where a visitor stands who waits for the avatar.
 *
 * @param {typeof TEXTS} texts
 * @param {{ position: number, estimateMs: number | null }} place
 */
export function queueText(texts, { position, estimateMs }) {
  const place = position === 1 ? texts.queuedNext : texts.queuedPlace.replace('{position}', position);
  if (estimateMs === null) return place;
  const seconds = Math.max(5, Math.round(estimateMs / 5000) * 5);
  const wait =
    seconds < 90
      ? texts.seconds.replace('{count}', seconds)
      : texts.minutes.replace('{count}', Math.round(seconds / 60));
  return `${place} ${texts.queuedWait.replace('{wait}', wait)}`;
}
