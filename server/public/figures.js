const PERIOD_MS = 1000;
const NONE = '–';
/** The server sends a picture half a frame period after its sound. */
const PICTURE_AFTER_SOUND_MS = 20;

const $ = (id) => document.getElementById(id);
const ms = (value) => (value == null ? NONE : `${Math.round(value)} ms`);

/** What this page itself has timed, of the latest command of each kind. */
export const measured = { sayMs: null, answerMs: null, arrivedMs: null, interruptMs: null };

/** Keeps the panel up to date while it is open, until the session has stopped. */
export function showFigures(session) {
  let busy = false;
  const update = async () => {
    if (busy || !$('panel').open) return;
    busy = true;
    const stats = await session.stats().catch(() => null);
    busy = false;
    if (stats) render(stats);
  };
  const timer = setInterval(() => void update(), PERIOD_MS);
  $('panel').addEventListener('toggle', update);
  session.on('avatar.speak_started', ({ latencyMs }) => {
    measured.answerMs = latencyMs;
    measured.arrivedMs = measured.sayMs === null ? null : performance.now() - measured.sayMs;
    measured.sayMs = null;
  });
  session.on('session.stopped', () => {
    clearInterval(timer);
    $('panel').removeEventListener('toggle', update);
  });
  void update();
}

function render(stats) {
  const { stages, jitterBufferMs } = stats;
  $('tiles').replaceChildren(
    tile(measured.answerMs, 'text to first sound sent'),
    tile(measured.interruptMs, 'interrupt to silence'),
  );
  // Not measured at the screen: the news that sound was sent, its picture's half period after that, and the time for
  // which pictures wait here.
  const seenMs =
    measured.arrivedMs === null
      ? null
      : measured.arrivedMs + PICTURE_AFTER_SOUND_MS + (jitterBufferMs.video ?? 0);
  const rows = {
    'Text to picture here, about': ms(seenMs),
    'Joined in': ms(stats.joinMs),
    'First picture after': ms(stats.firstFrameMs),
    'Frames per second': stats.framesPerSecond ?? NONE,
    'Sound after picture': ms(stats.avOffsetMs),
    'Buffered sound': ms(jitterBufferMs.audio),
    'Buffered picture': ms(jitterBufferMs.video),
    'Round trip': ms(stats.roundTripMs),
    'Frames late': stats.framesLate ?? NONE,
    'Dropped or repeated': stages ? stats.framesDropped + stats.framesRepeated : NONE,
    'Real-time factor': stages?.realTimeFactor ? stages.realTimeFactor.toFixed(2) : NONE,
  };
  $('figures').replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => [element('dt', name), element('dd', value)]),
  );
  showTurn(stats.turn);
  const costs = Object.entries({
    ...(stats.voiceMs && { voice: stats.voiceMs }),
    ...stages?.stages,
  });
  // The voice is timed by the sentence, not by the frame: it gets no bar.
  const most = Math.max(1, ...costs.filter(([name]) => name !== 'voice').map(([, { median }]) => median));
  $('stages').replaceChildren(
    ...costs.flatMap(([name, { median }]) => [
      element('span', name === 'voice' ? 'voice, a clause' : name),
      name === 'voice' ? element('span', '') : bar(median, most),
      element('span', median.toFixed(median < 10 ? 2 : 0)),
    ]),
  );
}

/** What passes between a visitor's last word and the avatar's first, in order. */
const TURN_STAGES = {
  endOfTurnMs: 'sure that you are done',
  earsMs: 'speech to text',
  brainMs: 'first sentence',
  voiceMs: 'its sound',
  avatarMs: 'its first picture',
  networkMs: 'there and back, about',
  bufferMs: 'waits in this browser',
};

function showTurn(turn) {
  $('turn').hidden = !turn?.seenMs;
  if (!turn?.seenMs) return;
  const stages = Object.entries(TURN_STAGES).map(([key, name]) => [name, turn[key] ?? 0]);
  $('turn-stages').replaceChildren(
    ...[...stages, ['all together', turn.seenMs]].flatMap(([name, value]) => [
      element('span', name),
      bar(value, turn.seenMs),
      element('span', value.toFixed(0)),
    ]),
  );
}

function tile(value, label) {
  const node = element('div', '');
  const figure = element('b', value === null ? NONE : String(Math.round(value)));
  if (value !== null) figure.append(element('small', ' ms'));
  node.append(figure, label);
  return node;
}

function bar(value, max) {
  return Object.assign(document.createElement('meter'), { max, value });
}

function element(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}
