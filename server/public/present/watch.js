import { AvatarSession } from '/client/vizavi.js';
import { showCaption } from '/present/captions.js';
import { loadDeck, parseSlide, parseTheme } from '/present/deck.js';
import { preload, showSlide } from '/present/slides.js';
import { readStage } from '/present/stage.js';
import { ask } from '/present/wire.js';
import { failure, isFinal, refusal, stopped } from '/present/words.js';

const $ = (id) => document.getElementById(id);
/** Who has seen the notice need not see it again when the page is loaded anew. */
const SEEN = 'vizavi.watch.seen';
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 30_000;
const NOTE_MS = 5000;
const ASKED_STAYS_MS = 4000;

const token = new URLSearchParams(location.hash.slice(1)).get('token');
let session = null;
let deck = null;
let retryMs = FIRST_RETRY_MS;
let noteTimer = 0;
let askedTimer = 0;

/** welcome → connecting → live ⇄ waiting (something is being mended) → ended */
function show(state, status = '') {
  document.body.dataset.state = state;
  $('status').textContent = status;
  $('ended').hidden = state !== 'ended';
  $('show').inert = state !== 'live' && state !== 'waiting';
}

function finish([title, text], canTryAgain) {
  session = null;
  $('unmute').hidden = true;
  $('ended-title').textContent = title;
  $('ended-text').textContent = text;
  $('again').hidden = !canTryAgain;
  show('ended');
}

async function watch() {
  if (!token) return finish(failure({ code: 'unauthorized' }), false);
  show('connecting', 'Connecting…');
  const joining = new AvatarSession(token);
  // For whoever wants to try things in the console.
  window.vizavi = { session: joining };
  session = joining;
  follow(joining);
  joining.attach($('video'));
  try {
    await joining.start();
    retryMs = FIRST_RETRY_MS;
    await showPage(joining.page);
    show('live');
  } catch (error) {
    if (session !== joining) return;
    if (isFinal(error)) return finish(failure(error), false);
    again(failure(error)[0]);
  }
}

/** Comes back by itself, later and later. */
function again(why) {
  session = null;
  show('connecting', `${why}. Trying again…`);
  setTimeout(() => void watch(), retryMs * (0.5 + Math.random()));
  retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
}

const isHere = () => ['live', 'waiting'].includes(document.body.dataset.state);

function follow(joining) {
  const live = (isLive, status) => {
    if (isHere()) show(isLive ? 'live' : 'waiting', isLive ? '' : status);
  };
  showCaption(joining, $('caption'));
  joining.on('session.connection_changed', ({ connected }) => live(connected, 'Reconnecting…'));
  joining.on('session.media_changed', ({ scope }) => live(scope !== 'recovering', 'One moment…'));
  joining.on('session.queue_changed', () => show('connecting', 'The presentation has not begun yet…'));
  joining.on('session.autoplay_blocked', () => ($('unmute').hidden = false));
  joining.on('page.changed', ({ state }) => void showPage(state));
  // Not of what was asked before: that is told again to whoever comes late.
  joining.on('user.transcription', ({ text }) => isHere() && showAsked(text));
  joining.on('avatar.reply_ended', () => isHere() && showAsked(''));
  joining.on('session.stopped', ({ reason }) => {
    if (session !== joining || !isHere()) return;
    if (reason === 'network') again('You were cut off');
    else finish(stopped(reason), false);
  });
}

/** What everybody is to see; of several that come while a deck is loaded the last one counts. */
async function showPage(state) {
  const page = readStage(state);
  if (page.deck && page.deck !== deck?.address) {
    const loaded = await loadDeck(page.deck).catch(() => null);
    if (loaded) preload(loaded);
    deck = loaded;
    const latest = readStage(session?.page ?? state);
    if (latest.deck === page.deck) page.slide = latest.slide;
  }
  const isOwn = page.deck !== null && page.deck === deck?.address;
  const slide = isOwn ? deck.slides[page.slide - 1] : page.inline && parseSlide(page.inline, null);
  showSlide($('slide'), slide ?? null, isOwn ? deck.theme : parseTheme(page.theme));
  const title = isOwn ? deck.title : page.title;
  if (title) document.title = `${title} — live`;
  document.body.toggleAttribute('data-no-slide', !slide);
}

/** The question that is being answered. */
function showAsked(text) {
  clearTimeout(askedTimer);
  if (text !== '') $('asked').textContent = text;
  if (text !== '') $('asked').hidden = false;
  else askedTimer = setTimeout(() => ($('asked').hidden = true), ASKED_STAYS_MS);
}

function note(text) {
  clearTimeout(noteTimer);
  $('note').textContent = text;
  noteTimer = setTimeout(() => ($('note').textContent = ''), NOTE_MS);
}

/** A phone that goes dark misses the show. */
async function stayAwake() {
  if (document.visibilityState === 'visible')
    await navigator.wakeLock?.request('screen').catch(() => undefined);
}

function begin() {
  sessionStorage.setItem(SEEN, 'yes');
  void stayAwake();
  void watch();
}

$('start').addEventListener('click', begin);
$('again').addEventListener('click', begin);
$('unmute').addEventListener('click', () => {
  $('unmute').hidden = true;
  void session?.unmute();
});
$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = $('text').value.trim();
  if (text === '' || !session) return;
  $('text').value = '';
  try {
    await ask(session, text);
    note('The presenter has your question.');
  } catch (error) {
    note(refusal(error));
    $('text').value ||= text;
  }
});
document.addEventListener('visibilitychange', () => session && void stayAwake());
if (!token) finish(failure({ code: 'unauthorized' }), false);
else if (sessionStorage.getItem(SEEN)) begin();
