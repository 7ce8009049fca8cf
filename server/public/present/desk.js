import { AvatarSession } from '/client/vizavi.js';
import { showCaption } from '/present/captions.js';
import { loadDeck } from '/present/deck.js';
import { listenToKeys, listKeys } from '/present/desk-keys.js';
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
const COUNT_PERIOD_MS = 2000;
/** A presenter may talk for longer than a session waits for a command. */
const KEEP_ALIVE_MS = 60_000;

let known = remembered();
let deck = null;
/** Everything of the session of the moment; null without one. */
let desk = null;
let noteTimer = 0;

/** welcome → connecting → live ⇄ waiting (something is being mended) → ended */
function show(state, status = '') {
  clearTimeout(noteTimer);
  document.body.dataset.state = state;
  $('status').textContent = status;
  $('work').inert = state !== 'live' && state !== 'waiting';
  $('ended').hidden = state !== 'ended';
}

/** A word in passing. */
function note(error) {
  clearTimeout(noteTimer);
  $('status').textContent = error.message;
  $('status').classList.add('warning');
  noteTimer = setTimeout(() => {
    $('status').textContent = '';
    $('status').classList.remove('warning');
  }, NOTE_MS);
}

function finish([title, text]) {
  desk?.close();
  desk = null;
  known = null;
  forget();
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  $('ended-title').textContent = title;
  $('ended-text').textContent = text;
  show('ended');
  $('again').focus();
}

async function start() {
  show('connecting', 'Connecting…');
  try {
    known ??= await create(deck);
    await join();
  } catch (error) {
    finish(failure(error));
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

  const stage = new Stage(session, () => void onStage());
  const handover = new Handover({ session, stage, questions, deskId: known.deskId, onError: note });
  const mic = new DeskMic(session, note);
  const timers = [
    setInterval(
      () => ($('clock').textContent = duration(Date.now() - (stage.page.startedAtMs ?? Date.now()))),
      500,
    ),
    setInterval(() => void count(session), COUNT_PERIOD_MS),
    setInterval(() => void session.keepAlive().catch(() => undefined), KEEP_ALIVE_MS),
  ];
  desk = { session, stage, handover, mic, questions, run: null, close: () => timers.forEach(clearInterval) };
  const taken = session.onTool('show_slide', ({ number }) => turn(Number(number)));
  session.on('session.stopped', taken);
  show('live');
  await present();
  listQuestions(questions, actions);
  void count(session);
  void handover.work();
}

/** Takes up what the session shows, or puts this desk's deck on it. */
async function present(isNew = false) {
  const { session, stage } = desk;
  const { page } = stage;
  if (!isNew && page.startedAtMs !== null && page.deck && page.deck !== deck?.address) {
    deck = await loadDeck(page.deck).catch((error) => {
      note(error);
      return null;
    });
  }
  stage.deck = deck;
  const onChange = () => desk && showRun(deck, desk.run, desk.stage.page);
  desk.run?.clear();
  desk.run = new ScriptRun({ session, stage, lines: deck?.script ?? [], onChange, onError: note });
  listSlides(deck, (number) => turn(number));
  listLines(deck, (number) => say(number));
  if (deck) preload(deck);
  if (deck && (isNew || page.startedAtMs === null)) {
    const { address, title, theme } = deck;
    const about = address ? { inline: null } : { title, theme };
    const startedAtMs = page.startedAtMs ?? Date.now();
    await stage.update({ deck: address, ...about, slide: 1, line: 1, startedAtMs }).catch(note);
  }
  void onStage();
}

/** Whatever is to be seen has changed, here or at another desk. */
async function onStage() {
  if (!desk) return;
  const { stage, run, handover } = desk;
  if (stage.page.deck && stage.page.deck !== deck?.address) return present();
  showSlides(deck, stage.page);
  if (run) showRun(deck, run, stage.page);
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
    if (desk?.session === session) finish(stopped(reason));
  });
  session.on('avatar.speak_started', () => document.body.toggleAttribute('data-speaking', true));
  session.on('avatar.speak_ended', () => document.body.toggleAttribute('data-speaking', false));
}

async function count(session) {
  const viewers = await viewerCount(session);
  if (desk?.session === session) $('viewers').textContent = viewers === null ? '–' : Math.max(0, viewers - 1);
}

function say(number) {
  if (desk.handover.isOn) note(new Error('Take back first: the avatar answers questions.'));
  else desk.run.say(number);
}

function turn(number) {
  if (!deck?.slides[number - 1]) throw new Error(`there is no slide ${number}`);
  desk.stage.update({ slide: number }).catch(note);
  return `shown: ${deck.slides[number - 1].title}`;
}

const actions = {
  sayNext: () => desk.run.nextLine !== null && say(desk.run.nextLine),
  lineBack: () => desk.stage.update({ line: Math.max(1, desk.stage.page.line - 1) }).catch(note),
  forward: () => deck?.slides[desk.stage.page.slide] && turn(desk.stage.page.slide + 1),
  back: () => desk.stage.page.slide > 1 && turn(desk.stage.page.slide - 1),
  auto: () => (desk.handover.isOn ? say(0) : desk.run.setAuto(!desk.run.isAuto)),
  silence: () => {
    desk.run.clear();
    (desk.handover.isOn ? desk.handover.takeBack() : desk.session.interrupt()).catch(note);
  },
  handover: () => {
    desk.run.clear();
    (desk.handover.isOn ? desk.handover.takeBack() : desk.handover.give()).catch(note);
  },
  text: () => $('text').focus(),
  question: () => desk.questions.open[0] && actions.answer(desk.questions.open[0]),
  share: () => {
    $('audience-link').value = known.audience ?? '';
    $('presenter-link').value = known.presenter ?? '';
    $('share-note').textContent = known.audience
      ? ''
      : 'Your own server hands out the links of this session.';
    $('share-dialog').showModal();
  },
  help: () => $('keys-dialog').showModal(),
  answer: (question) => void desk.handover.answer(question),
  dismiss: ({ id }) => desk.questions.dismiss(id),
  quote: ({ text }) => {
    $('text').value = text;
    $('text').focus();
  },
};

function sayOwn(how) {
  const text = $('text').value.trim();
  if (text === '') return;
  const { session } = desk;
  $('text').value = '';
  const said = how === 'say' ? session.repeat(text, { emotion: $('emotion').value }) : session.message(text);
  said.catch((error) => {
    note(error);
    $('text').value ||= text;
  });
}

for (const [id, action] of Object.entries({
  'say-next': 'sayNext',
  interrupt: 'silence',
  handover: 'handover',
  auto: 'auto',
  back: 'back',
  forward: 'forward',
  share: 'share',
  help: 'help',
}))
  $(id).addEventListener('click', () => desk && actions[action]());
const hold = (isHeld) => void desk?.mic.hold(isHeld);
listenToKeys(
  Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, () => desk && action()])),
  hold,
);
listKeys($('keys'));
$('hold').addEventListener('pointerdown', () => hold(true));
for (const type of ['pointerup', 'pointercancel']) document.addEventListener(type, () => hold(false));
$('open').addEventListener('click', () => void desk?.mic.toggleOpen());
for (const radio of document.querySelectorAll('[name=route]'))
  radio.addEventListener('change', () => void desk?.mic.reroute());
$('unmute').addEventListener('click', () => {
  $('unmute').hidden = true;
  void desk?.session.unmute();
});
$('form').addEventListener('submit', (event) => {
  event.preventDefault();
  sayOwn('say');
});
$('answer').addEventListener('click', () => sayOwn('answer'));
$('text').addEventListener('keydown', ({ key, ctrlKey, metaKey }) => {
  if (key === 'Enter' && (ctrlKey || metaKey)) sayOwn('answer');
});
$('end').addEventListener('click', () => $('end-dialog').showModal());
$('end-dialog').addEventListener('close', () => {
  if ($('end-dialog').returnValue === 'end') void desk?.session.stop();
});
for (const button of document.querySelectorAll('[data-copy]'))
  button.addEventListener('click', async () => {
    $(button.dataset.copy).select();
    await navigator.clipboard.writeText($(button.dataset.copy).value).catch(() => undefined);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  });
$('start').addEventListener('click', () => void start());
$('again').addEventListener('click', () => void start());
acceptDecks(
  (dropped) => {
    deck = dropped;
    if (!desk) return showWelcome(deck);
    known = remember({ ...known, source: dropped.source });
    void present(true);
  },
  (error) => ($('welcome-fault').textContent = error.message),
);
const fault = await firstDeck(known).then(
  (first) => {
    deck = first;
    return null;
  },
  (error) => error,
);
showWelcome(deck);
if (fault) $('welcome-fault').textContent = fault.message;
if (known) void start();
