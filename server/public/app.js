import { AvatarSession, VizaviError } from '/client/vizavi.js';
import { showCaptions, showTranscript } from '/captions.js';
import { chosenFace, offerFaces, showFace } from '/faces.js';
import { measured, showFigures } from '/figures.js';
import { listenWith } from '/microphone.js';
import { failure, LINES, QUESTIONS, queued, STOPPED } from '/words.js';

const $ = (id) => document.getElementById(id);
/** The session of this tab, so that a refresh finds it again. */
const STORED = 'vizavi.session';
/** What a stored session answers when it is over. */
const OVER = ['invalid_state', 'not_found', 'unauthorized', 'token_expired', 'interrupted'];
const KEEP_ALIVE_MS = 15_000;
const NOTE_MS = 4000;

let session = null;
const utterances = new Set();
let keptAliveMs = 0;
const offered = offerFaces();
let noteTimer = 0;

/**
 * welcome → connecting → live ⇄ waiting (something is being mended) → ended
 */
function show(state, status = '') {
  clearTimeout(noteTimer);
  document.body.dataset.state = state;
  $('status').textContent = status;
  $('ended').hidden = state !== 'ended';
  $('talk').inert = state !== 'live' && state !== 'waiting';
}

/** A word in passing. */
function note(text) {
  clearTimeout(noteTimer);
  $('status').textContent = text;
  noteTimer = setTimeout(() => ($('status').textContent = ''), NOTE_MS);
}

function end([title, text]) {
  session = null;
  utterances.clear();
  showSpeaking();
  $('unmute').hidden = true;
  $('ended-title').textContent = title;
  $('ended-text').textContent = text;
  show('ended');
  $('again').focus();
}

async function start() {
  show('connecting', 'Connecting…');
  // In an application of your own your server asks for the token, with its API key.
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  const stored = given ? null : sessionStorage.getItem(STORED);
  try {
    await join(given ?? (stored ? JSON.parse(stored).token : await createSession()));
  } catch (error) {
    if (stored && OVER.includes(error.code)) {
      sessionStorage.removeItem(STORED);
      return start();
    }
    end(failure(error));
  }
}

/** A session from a server in development mode: it asks for no key. */
async function createSession() {
  await offered;
  const body = JSON.stringify({ avatarId: chosenFace() });
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const response = await fetch('/v1/sessions', request).catch((cause) => {
    throw new VizaviError('timeout', 'the server cannot be reached', { cause });
  });
  const { error, sessionId, token } = await response.json().catch(() => ({}));
  if (!token)
    throw new VizaviError(error?.code ?? 'unavailable', error?.message ?? `HTTP ${response.status}`);
  sessionStorage.setItem(STORED, JSON.stringify({ sessionId, token }));
  return token;
}

async function join(token) {
  const joining = new AvatarSession(token);
  // For whoever wants to try things in the console.
  window.vizavi = { session: joining };
  listen(joining);
  showCaptions(joining, $('caption'));
  showTranscript(joining, $('transcript'), (count) => ($('talked').hidden = count === 0));
  joining.attach($('video'));
  await joining.start();
  session = joining;
  // The list of faces may still be under way: what is live has the last word.
  await offered;
  showFace({ avatarId: joining.avatar.id, name: joining.avatar.name });
  show('live');
  listenWith(joining, $('mic'), note);
  showFigures(joining);
  if (matchMedia('(hover: hover)').matches) $('text').focus({ preventScroll: true });
}

function listen(joining) {
  let recovering = false;
  const mended = () => {
    recovering = false;
    if (session) show('live');
  };
  joining.on('session.connection_changed', ({ connected }) => {
    if (session && !recovering) show(connected ? 'live' : 'waiting', connected ? '' : 'Reconnecting…');
  });
  joining.on('session.media_changed', ({ scope }) => {
    if (scope !== 'recovering') return mended();
    recovering = true;
    if (session) show('waiting', 'The avatar is restarting…');
  });
  joining.on('session.queue_changed', (place) => show('connecting', queued(place)));
  joining.on('session.autoplay_blocked', () => ($('unmute').hidden = false));
  joining.on('session.stopped', ({ reason }) => {
    if (session !== joining) return;
    sessionStorage.removeItem(STORED);
    end(STOPPED[reason]);
  });
  joining.on('avatar.speak_started', ({ utteranceId }) => {
    utterances.add(utteranceId);
    showSpeaking();
  });
  joining.on('avatar.speak_ended', ({ utteranceId }) => {
    utterances.delete(utteranceId);
    showSpeaking();
  });
  joining.on('avatar.text_skipped', ({ text }) =>
    note(`Left out, as it cannot be said: ${text.slice(0, 24)}`),
  );
}

function showSpeaking() {
  document.body.toggleAttribute('data-speaking', utterances.size > 0);
  $('interrupt').disabled = utterances.size === 0;
}

const asks = () => document.querySelector('[name=mode]:checked').value === 'ask';

/** Has it answered, or said. */
async function say(text) {
  if (!session || text.trim() === '') return;
  // From here only while nothing else is said first.
  measured.sayMs = utterances.size === 0 ? performance.now() : null;
  try {
    await (asks() ? session.message(text) : session.repeat(text));
  } catch (error) {
    note(error.message);
  }
}

async function interrupt() {
  if (!session || utterances.size === 0) return;
  const askedMs = performance.now();
  await session.interrupt().then(
    () => (measured.interruptMs = performance.now() - askedMs),
    (error) => note(error.message),
  );
}

/** Somebody who types or points is here, even when nothing is said. */
function keepAlive() {
  if (!session || performance.now() - keptAliveMs < KEEP_ALIVE_MS) return;
  keptAliveMs = performance.now();
  session.keepAlive().catch(() => undefined);
}

$('start').addEventListener('click', () => void start());
$('again').addEventListener('click', () => void start());
$('leave').addEventListener('click', () => void session?.stop());
$('interrupt').addEventListener('click', () => {
  void interrupt();
  $('text').focus({ preventScroll: true });
});
$('unmute').addEventListener('click', () => {
  $('unmute').hidden = true;
  void session?.unmute();
});
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void say($('text').value);
  $('text').value = '';
});
for (const type of ['keydown', 'pointerdown', 'pointermove']) document.addEventListener(type, keepAlive);
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') void interrupt();
});
function offer() {
  const name = document.body.dataset.avatar ?? 'Mira';
  $('text').placeholder = $('text').ariaLabel = asks() ? `Ask ${name} something` : `What should ${name} say?`;
  $('send').textContent = asks() ? 'Ask' : 'Say';
  $('chips').replaceChildren(
    ...(asks() ? QUESTIONS : LINES).map((text) => {
      const chip = document.createElement('button');
      chip.textContent = text.length > 40 ? `${text.slice(0, 38).trim()}…` : text;
      chip.title = text;
      chip.addEventListener('click', () => void say(text));
      return chip;
    }),
  );
}
for (const radio of document.querySelectorAll('[name=mode]')) radio.addEventListener('change', offer);
document.addEventListener('face', offer);
offer();
$('panel').open = matchMedia('(min-width: 60rem)').matches;
// After a refresh the conversation goes on: this person has been told what an avatar is, and has agreed.
if (sessionStorage.getItem(STORED)) void start();
