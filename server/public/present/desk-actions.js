/** What the desk can be told to do, by mouse and by keyboard alike. */
import { listenToKeys, listKeys } from '/present/desk-keys.js';

const $ = (id) => document.getElementById(id);
const COPIED_MS = 1500;
/** Buttons that do what a key does. */
const BUTTONS = {
  'say-next': 'sayNext',
  interrupt: 'silence',
  handover: 'handover',
  auto: 'auto',
  back: 'back',
  forward: 'forward',
  share: 'share',
  help: 'help',
};

/**
 * @param desk `{ session, stage, run, handover, mic, questions, deck, links }` of the moment; null without a session
 * @param note tells the presenter of an error
 */
export function connectActions(desk, note) {
  const actions = {
    say: (number) => {
      if (desk().handover.isOn) note(new Error('Take back first: the avatar answers questions.'));
      else desk().run.say(number);
    },
    turn: (number) => {
      const { deck, stage } = desk();
      if (!deck?.slides[number - 1]) throw new Error(`there is no slide ${number}`);
      stage.update({ slide: number }).catch(note);
      return `shown: ${deck.slides[number - 1].title}`;
    },
    sayNext: () => desk().run.nextLine !== null && actions.say(desk().run.nextLine),
    lineBack: () => {
      const { stage } = desk();
      stage.update({ line: Math.max(1, stage.page.line - 1) }).catch(note);
    },
    forward: () => {
      const { deck, stage } = desk();
      if (deck?.slides[stage.page.slide]) actions.turn(stage.page.slide + 1);
    },
    back: () => desk().stage.page.slide > 1 && actions.turn(desk().stage.page.slide - 1),
    auto: () => {
      const { handover, run } = desk();
      if (handover.isOn) actions.say(0);
      else run.setAuto(!run.isAuto);
    },
    silence: () => {
      const { run, handover, session } = desk();
      run.clear();
      (handover.isOn ? handover.takeBack() : session.interrupt()).catch(note);
    },
    handover: () => {
      const { run, handover } = desk();
      run.clear();
      (handover.isOn ? handover.takeBack() : handover.give()).catch(note);
    },
    text: () => $('text').focus(),
    question: () => {
      const [oldest] = desk().questions.open;
      if (oldest) actions.answer(oldest);
    },
    share: () => {
      const { audience, presenter } = desk().links;
      $('audience-link').value = audience ?? '';
      $('presenter-link').value = presenter ?? '';
      $('share-note').textContent = audience ? '' : 'Your own server hands out the links of this session.';
      $('share-dialog').showModal();
    },
    help: () => $('keys-dialog').showModal(),
    answer: (question) => void desk().handover.answer(question),
    dismiss: ({ id }) => desk().questions.dismiss(id),
    quote: ({ text }) => {
      $('text').value = text;
      $('text').focus();
    },
  };
  const whenThere = (action) => () => desk() && action();
  for (const [id, name] of Object.entries(BUTTONS)) $(id).addEventListener('click', whenThere(actions[name]));
  const hold = (isHeld) => void desk()?.mic.hold(isHeld);
  listenToKeys(
    Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, whenThere(action)])),
    hold,
  );
  listKeys($('keys'));
  connectMicrophone(desk, hold);
  connectOwnWords(desk, note);
  connectDialogs(desk);
  return actions;
}

function connectMicrophone(desk, hold) {
  $('hold').addEventListener('pointerdown', () => hold(true));
  for (const type of ['pointerup', 'pointercancel']) document.addEventListener(type, () => hold(false));
  $('open').addEventListener('click', () => void desk()?.mic.toggleOpen());
  for (const radio of document.querySelectorAll('[name=route]'))
    radio.addEventListener('change', () => void desk()?.mic.reroute());
  $('unmute').addEventListener('click', () => {
    $('unmute').hidden = true;
    void desk()?.session.unmute();
  });
}

function connectOwnWords(desk, note) {
  const send = (isQuestion) => {
    const text = $('text').value.trim();
    if (text === '' || !desk()) return;
    const { session } = desk();
    $('text').value = '';
    const said = isQuestion ? session.message(text) : session.repeat(text, { emotion: $('emotion').value });
    said.catch((error) => {
      note(error);
      $('text').value ||= text;
    });
  };
  $('form').addEventListener('submit', (event) => {
    event.preventDefault();
    send(false);
  });
  $('answer').addEventListener('click', () => send(true));
  $('text').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send(true);
  });
}

function connectDialogs(desk) {
  $('end').addEventListener('click', () => {
    $('end-dialog').returnValue = '';
    $('end-dialog').showModal();
  });
  $('end-dialog').addEventListener('close', () => {
    if ($('end-dialog').returnValue === 'end') void desk()?.session.stop();
  });
  for (const button of document.querySelectorAll('[data-copy]'))
    button.addEventListener('click', async () => {
      const field = $(button.dataset.copy);
      field.select();
      const isCopied = await navigator.clipboard?.writeText(field.value).then(
        () => true,
        () => false,
      );
      // Without leave for the clipboard the link is marked, and the keyboard copies it.
      button.textContent = isCopied ? 'Copied' : 'Ctrl + C';
      setTimeout(() => (button.textContent = 'Copy'), COPIED_MS);
    });
}
