import { AvatarSession } from '/client/vizavi.js';
import { showCaption } from '/present/captions.js';
import { loadDeck } from '/present/deck.js';
import { connectActions } from '/present/desk-actions.js';
import { DeskMic } from '/present/desk-mic.js';
import { create, forget, remember, remembered } from '/present/desk-session.js';
import {
  listLines,
  listQuestions,
  listSlides,
  showHandover,
  showRun,
  showSlides,
} from '/present/desk-view.js';
import { acceptDecks, firstDeck, showWelcome } from '/present/desk-welcome.js';
import { Handover } from '/present/handover.js';
import { Questions } from '/present/questions.js';
import { ScriptRun } from '/present/script-run.js';
import { preload } from '/present/slides.js';
import { Stage } from '/present/stage.js';
import { onAsked, viewerCount } from '/present/wire.js';
import { duration, failure, stopped } from '/present/words.js';

const $ = (id) => document.getElementById(id);
const NOTE_MS = 5000;
const CLOCK_PERIOD_MS = 500;
const COUNT_PERIOD_MS = 2000;
/** A presenter may talk for longer than a session waits for a command. */
const KEEP_ALIVE_MS = 60_000;

/** What this tab knows of its session. */
let known = remembered();
let deck = null;
/** Address of the deck that was asked for last: one that cannot be had is not asked for again and again. */
let askedFor = null;
/** Everything of the session of the moment; null without one. */
let desk = null;
let noteTimer = 0;

/** welcome → connecting → live ⇄ waiting (something is being mended) → ended */
function show(state, status = '') {
  clearTimeout(noteTimer);
  document.body.dataset.state = state;
  $('status').textContent = status;
  $('status').classList.remove('warning');
  $('work').inert = state !== 'live' && state !== 'waiting';
  $('ended').hidden = state !== 'ended';
}

/** A word in passing. */
function note(error) {
  const before = $('status').textContent;
  clearTimeout(noteTimer);
  $('status').textContent = error.message;
  $('status').classList.add('warning');
  const isMending = document.body.dataset.state === 'waiting';
  noteTimer = setTimeout(() => show(document.body.dataset.state, isMending ? before : ''), NOTE_MS);
}

/** @param canReturn the session may still be there */
function finish([title, text], canReturn) {
  desk?.close();
  desk = null;
  if (!canReturn) {
    known = null;
    forget();
  }
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  $('ended-title').textContent = title;
  $('ended-text').textContent = text;
  $('again').textContent = canReturn ? 'Try again' : 'New session';
  show('ended');
  $('again').focus();
}

async function start() {
  show('connecting', 'Connecting…');
  try {
    known ??= await create(deck);
    await join();
  } catch (error) {
    finish(failure(error), Boolean(known && error.retryable));
  }
}

async function join() {
  const session = new AvatarSession(known.token);
  // For whoever wants to try things in the console.
  window.vizavi = { session };
  const questions = new Questions(known.questions, () => {
    listQuestions(questions, actions);
    known = remember({ ...known, questions: questions.items });
    void desk?.handover.work();
  });
  onAsked(session, (question) => questions.asked(question));
  session.on('transcript.changed', ({ transcript }) => questions.transcribed(transcript));
  session.on('avatar.reply_ended', (reply) => questions.answered(reply));
  followLife(session);
  showCaption(session, $('caption'));
  session.attach($('video'));
  await session.start();

  const stage = new Stage(session, () => void showAll());
  const timers = [
    setInterval(showClock, CLOCK_PERIOD_MS),
    setInterval(() => void count(session), COUNT_PERIOD_MS),
    setInterval(() => void session.keepAlive().catch(() => undefined), KEEP_ALIVE_MS),
  ];
  desk = {
    session,
    stage,
    questions,
    handover: new Handover({ session, stage, questions, deskId: known.deskId, onError: note }),
    mic: new DeskMic(session, note),
    run: null,
    get deck() {
      return deck;
    },
    get links() {
      return known;
    },
    close: () => timers.forEach((timer) => clearInterval(timer)),
  };
  session.onTool('show_slide', ({ number }) => actions.turn(Number(number)));
  show('live');
  if (stage.page.startedAtMs === null && deck) await present();
  else await follow(stage.page.deck);
  listQuestions(questions, actions);
  void count(session);
  void desk?.handover.work();
}

/** Shows this desk's deck to everybody, from its first slide on. */
async function present() {
  const { stage } = desk;
  const { address, title, theme } = deck;
  const inline = address ? { inline: null, title: '', theme: {} } : { title, theme };
  const startedAtMs = stage.page.startedAtMs ?? Date.now();
  setScript();
  await stage.update({ deck: address, ...inline, slide: 1, line: 1, startedAtMs }).catch(note);
}

/** Takes up the deck that the session shows. */
async function follow(address) {
  if (address && address !== deck?.address && address !== askedFor) {
    askedFor = address;
    const loaded = await loadDeck(address).catch((error) => {
      note(error);
      return null;
    });
    if (!desk || askedFor !== address) return;
    deck = loaded;
  }
  setScript();
  void showAll();
}

function setScript() {
  const { session, stage } = desk;
  stage.deck = deck;
  desk.run?.close();
  const onChange = () => desk && showRun(deck, desk.run, desk.stage.page);
  desk.run = new ScriptRun({ session, stage, lines: deck?.script ?? [], onChange, onError: note });
  listSlides(deck, actions.turn);
  listLines(deck, actions.say);
  if (deck) preload(deck);
}

/** Whatever is to be seen has changed, here or at another desk. */
async function showAll() {
  if (!desk?.run) return;
  const { stage, run, handover } = desk;
  const { page } = stage;
  if (page.deck && page.deck !== deck?.address && page.deck !== askedFor) return follow(page.deck);
  if (!page.deck && page.inline && deck?.address) {
    // Another desk shows a deck that only that one has.
    deck = null;
    setScript();
  }
  showSlides(deck, page);
  showRun(deck, run, page);
  showHandover(handover);
  void handover.work();
}

function followLife(session) {
  let isRecovering = false;
  const live = (isLive, status) => desk && show(isLive ? 'live' : 'waiting', isLive ? '' : status);
  session.on('session.connection_changed', ({ connected }) => {
    if (!isRecovering) live(connected, 'Reconnecting…');
  });
  session.on('session.media_changed', ({ scope }) => {
    isRecovering = scope === 'recovering';
    live(!isRecovering, 'The avatar is restarting; it goes on where it stopped');
  });
  session.on('session.queue_changed', ({ position }) =>
    show('connecting', `All avatars are busy. You are number ${position}…`),
  );
  session.on('session.autoplay_blocked', () => ($('unmute').hidden = false));
  session.on('session.stopped', ({ reason }) => {
    if (desk?.session === session) finish(stopped(reason), reason === 'network');
  });
  session.on('avatar.speak_started', () => document.body.toggleAttribute('data-speaking', true));
  session.on('avatar.speak_ended', () => document.body.toggleAttribute('data-speaking', false));
}

function showClock() {
  const nowMs = Date.now();
  $('clock').textContent = duration(nowMs - (desk?.stage.page.startedAtMs ?? nowMs));
}

async function count(session) {
  const viewers = await viewerCount(session);
  if (desk?.session === session) $('viewers').textContent = viewers === null ? '–' : Math.max(0, viewers - 1);
}

const actions = connectActions(() => desk, note);
$('start').addEventListener('click', () => void start());
$('again').addEventListener('click', () => void start());
acceptDecks(
  (dropped) => {
    deck = dropped;
    if (!desk) return showWelcome(deck);
    known = remember({ ...known, source: dropped.source });
    void present();
  },
  (error) => {
    $('welcome-fault').textContent = error.message;
    if (desk) note(error);
  },
);
let fault = null;
try {
  deck = await firstDeck(known);
} catch (error) {
  fault = error;
}
showWelcome(deck);
if (fault) $('welcome-fault').textContent = fault.message;
if (known) {
  await start();
  if (fault && desk && !deck) note(fault);
}
