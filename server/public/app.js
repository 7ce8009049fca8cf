import { AvatarSession, VizaviError } from '/client/vizavi.js';

const $ = (id) => document.getElementById(id);
const STORED = 'vizavi.session';
const FIGURES_PERIOD_MS = 1000;
const SUGGESTIONS = [
  'Hello! I am glad that you are here.',
  'Maybe Bob and Pam will move the big blue piano?',
  'I answer within a few hundred milliseconds, and when you press stop I fall silent at once. Try it while I am speaking!',
  'Everything that you see is made from the sound of my voice, one small piece of a second at a time.',
];
const ENDED = {
  ok: ['Goodbye', 'The session has ended.'],
  client: ['Goodbye', 'You ended the session.'],
  time_limit: ['Time is up', 'This session has reached its longest duration.'],
  inactivity: ['Still there?', 'The session ended because nothing was said for a while.'],
  network: ['Connection lost', 'The connection was away for too long. Check your network and start again.'],
  no_capacity: ['All avatars are busy', 'Every avatar is in a conversation right now. Please try again in a moment.'],
  server: ['The server stopped', 'It is restarting, or was shut down. Please try again in a moment.'],
};
const ERRORS = {
  no_capacity: ENDED.no_capacity,
  unauthorized: ['A key is needed', 'This server gives sessions only to applications with a key. Open this page with #token=… from POST /v1/sessions.'],
  forbidden: ['Not from here', 'This server gives sessions only to pages of its own address.'],
  token_expired: ['This link has expired', 'Ask for a new one.'],
  media_failed: ['No picture', 'This browser or network does not let WebRTC video through. Try another browser or network.'],
  timeout: ['No answer', 'The server does not answer. Check your network and start again.'],
  unavailable: ENDED.server,
};

let session = null;
let speaking = 0;
let figuresTimer = 0;
const measured = { answer: null, interrupt: null };

/** welcome, connecting, live, waiting (live, but something is being mended), ended */
function show(state, status = '') {
  document.body.dataset.state = state;
  $('status').textContent = status;
  $('ended').hidden = state !== 'ended';
}

function end([title, text]) {
  clearInterval(figuresTimer);
  session = null;
  $('ended-title').textContent = title;
  $('ended-text').textContent = text;
  $('caption').textContent = '';
  show('ended');
  $('again').focus();
}

/** The session of this tab: a refresh finds it again. */
async function credentials(fresh) {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given) return { token: given };
  const stored = fresh ? null : sessionStorage.getItem(STORED);
  if (stored) return JSON.parse(stored);
  const response = await fetch('/v1/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  }).catch(() => {
    throw new VizaviError('timeout', 'the server cannot be reached');
  });
  const body = await response.json();
  if (!response.ok) throw new VizaviError(body.error.code, body.error.message);
  const { sessionId, token } = body;
  sessionStorage.setItem(STORED, JSON.stringify({ sessionId, token }));
  return { sessionId, token };
}

async function start(fresh = false) {
  show('connecting', 'Connecting…');
  const resuming = !fresh && sessionStorage.getItem(STORED) !== null;
  try {
    const { token } = await credentials(fresh);
    const next = new AvatarSession(token);
    listen(next);
    next.attach($('video'));
    await next.start();
    session = next;
    window.vizavi = { session: next };
    show('live');
    $('text').focus({ preventScroll: true });
    figuresTimer = setInterval(() => void figures(), FIGURES_PERIOD_MS);
  } catch (error) {
    sessionStorage.removeItem(STORED);
    // What was stored may have ended meanwhile: that is no reason to trouble anybody.
    if (resuming) return start(true);
    end(ERRORS[error.code] ?? ['Something went wrong', error.message]);
  }
}

function listen(next) {
  next.on('session.connection_changed', ({ connected }) => {
    if (session) show(connected ? 'live' : 'waiting', connected ? '' : 'Reconnecting…');
  });
  next.on('session.media_changed', ({ scope }) => {
    if (scope === 'recovering') show('waiting', 'Mira is coming back…');
  });
  next.on('session.stream_ready', () => {
    if (session) show('live');
  });
  next.on('session.autoplay_blocked', () => {
    $('unmute').hidden = false;
  });
  next.on('session.stopped', ({ reason }) => {
    if (session !== next) return;
    sessionStorage.removeItem(STORED);
    end(ENDED[reason]);
  });
  next.on('avatar.speak_started', ({ latencyMs }) => {
    speaking += 1;
    measured.answer = latencyMs;
    $('interrupt').disabled = false;
    if (document.body.dataset.state === 'waiting') show('live');
  });
  next.on('avatar.speak_ended', () => {
    speaking = Math.max(0, speaking - 1);
    $('interrupt').disabled = speaking === 0;
    if (speaking === 0) setTimeout(() => speaking || ($('caption').textContent = ''), 1200);
  });
  caption(next);
  next.on('avatar.text_skipped', ({ text }) => {
    $('status').textContent = `Cannot be said: ${text.slice(0, 20)}`;
    setTimeout(() => ($('status').textContent = ''), 3000);
  });
}

/** Each clause is shown when its sound begins. */
function caption(next) {
  const started = new Map();
  const waiting = [];
  const display = ({ utteranceId, text, startMs }) => {
    const at = started.get(utteranceId);
    if (at === undefined) return waiting.push({ utteranceId, text, startMs });
    setTimeout(() => started.has(utteranceId) && ($('caption').textContent = text), at + startMs - performance.now());
  };
  next.on('avatar.transcription.chunk', display);
  next.on('avatar.speak_started', ({ utteranceId }) => {
    started.set(utteranceId, performance.now());
    waiting.splice(0).forEach(display);
  });
  next.on('avatar.speak_ended', ({ utteranceId }) => started.delete(utteranceId));
}

async function say(text) {
  if (!session || !text.trim()) return;
  try {
    await session.repeat(text);
  } catch (error) {
    $('status').textContent = error.message;
    setTimeout(() => ($('status').textContent = ''), 4000);
  }
}

async function interrupt() {
  if (!session || $('interrupt').disabled) return;
  const askedMs = performance.now();
  $('caption').textContent = '';
  await session.interrupt().catch(() => undefined);
  measured.interrupt = performance.now() - askedMs;
}

const ms = (value) => (value === null || value === undefined ? '–' : `${Math.round(value)} ms`);

async function figures() {
  if (!session || !$('panel').open) return;
  const stats = await session.stats().catch(() => null);
  if (!stats) return;
  const { stages } = stats;
  const late = stages ? stages.framesLate + stages.framesDropped + stages.framesRepeated : null;
  const rows = {
    'Text → sound sent': ms(measured.answer),
    'Stop → worker silent': ms(measured.interrupt),
    'Start → first picture': ms(stats.firstFrameMs),
    'Frames a second': stats.framesPerSecond ?? '–',
    'Sound after picture': ms(stats.avOffsetMs),
    'Round trip': ms(stats.roundTripMs),
    'Buffer sound / picture': `${ms(stats.jitterBufferMs.audio)} / ${ms(stats.jitterBufferMs.video)}`,
    'Frames not on time': late === null ? '–' : `${late} of ${stages.framesSent}`,
    'Real-time factor': stages?.realTimeFactor ? stages.realTimeFactor.toFixed(2) : '–',
  };
  $('figures').replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => [element('dt', name), element('dd', String(value))]),
  );
  const bars = Object.entries(stages?.stages ?? {});
  const most = Math.max(1, ...bars.map(([, time]) => time.median));
  $('stages').replaceChildren(
    ...bars.map(([name, { median }]) => {
      const bar = element('div', '', 'bar');
      const fill = document.createElement('i');
      fill.style.width = `${(median / most) * 100}%`;
      bar.append(element('span', name), fill, element('b', median.toFixed(2)));
      return bar;
    }),
  );
}

function element(tag, text, className = '') {
  const node = document.createElement(tag);
  node.textContent = text;
  node.className = className;
  return node;
}

$('start').addEventListener('click', () => void start());
$('again').addEventListener('click', () => void start(true));
$('interrupt').addEventListener('click', () => void interrupt());
$('leave').addEventListener('click', () => void session?.stop());
$('unmute').addEventListener('click', () => {
  $('unmute').hidden = true;
  void session?.unmute();
});
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void say($('text').value);
  $('text').value = '';
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') void interrupt();
});
for (const text of SUGGESTIONS) {
  const chip = element('button', text.length > 44 ? `${text.slice(0, 42)}…` : text);
  chip.addEventListener('click', () => void say(text));
  $('chips').append(chip);
}
$('panel').open = matchMedia('(min-width: 60rem)').matches;
// After a refresh the conversation goes on; the person has already been told and has already agreed.
if (sessionStorage.getItem(STORED)) void start();
