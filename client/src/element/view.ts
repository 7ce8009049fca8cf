import { h, icon, iconButton } from './dom.ts';
import { avatarSheets } from './styles.ts';

/** The pieces of `<vizavi-avatar>` that its owner fills and listens to. */
export type View = ReturnType<typeof createView>;

const NOTICE = 'You are about to talk to an AI avatar. Face and voice are synthetic.';

/** Builds what is seen, each piece a CSS part, those that pages replace each a slot. */
export function createView(root: ShadowRoot) {
  root.adoptedStyleSheets = avatarSheets();
  const poster = h('img', {
    part: 'poster',
    class: 'poster',
    alt: '',
    hidden: true,
    crossorigin: 'anonymous',
  });
  const video = h('video', { part: 'video', class: 'picture', playsinline: true });
  const canvas = h('canvas', { part: 'canvas', class: 'picture', 'aria-hidden': 'true' });
  const status = h('p', { part: 'status', class: 'pill status', role: 'status' });
  const badge = h(
    'p',
    { part: 'badge', class: 'pill badge', title: NOTICE },
    h('b', {}, 'AI'),
    h('span', {}, ' avatar'),
  );
  const caption = h('p', { part: 'caption', class: 'caption', 'aria-hidden': 'true' });
  const captionSlot = h('slot', { name: 'caption' }, caption);
  const sound = h(
    'button',
    { type: 'button', part: 'button sound', class: 'sound', hidden: true },
    icon('sound'),
    'Tap for sound',
  );

  const title = h('strong', { part: 'title', id: 'title' });
  const text = h('p', { part: 'text', hidden: true });
  const notice = h('slot', { name: 'notice' }, h('p', { part: 'notice' }, NOTICE));
  const start = h('button', { type: 'button', part: 'button start', class: 'primary' }, 'Start');
  const startSlot = h('slot', { name: 'start' }, start);
  const card = h(
    'div',
    { part: 'card', class: 'card', role: 'group', 'aria-labelledby': 'title' },
    title,
    text,
    notice,
    startSlot,
  );

  const talk = iconButton('talk', 'microphone', 'Talk');
  const input = h('input', {
    part: 'input',
    maxlength: '10000',
    autocomplete: 'off',
    enterkeyhint: 'send',
  });
  const form = h(
    'form',
    { part: 'composer', hidden: true },
    input,
    h(
      'button',
      { part: 'button send', class: 'round send', 'aria-label': 'Send', title: 'Send' },
      icon('send'),
    ),
  );
  const captions = iconButton('captions', 'captions', 'Captions');
  const silence = iconButton('silence', 'silence', 'Interrupt (Esc)');
  const leave = iconButton('leave', 'leave', 'End the conversation');
  const bar = h(
    'div',
    { part: 'controls', class: 'bar', role: 'group', 'aria-label': 'Conversation' },
    form,
    talk,
    silence,
    captions,
    leave,
  );
  const controls = h('slot', { name: 'controls' }, bar);

  const foot = h('div', { class: 'foot' }, sound, captionSlot, card, controls);
  const stage = h(
    'div',
    { part: 'stage', class: 'stage', role: 'group' },
    h('slot', { name: 'poster' }, poster),
    video,
    canvas,
    h('div', { class: 'top' }, status, badge),
    foot,
  );
  const log = h('div', { class: 'heard-only', role: 'log', 'aria-live': 'polite' });
  root.append(stage, log);
  return {
    stage,
    poster,
    video,
    canvas,
    status,
    badge,
    caption,
    captionSlot,
    sound,
    card,
    title,
    text,
    notice,
    start,
    startSlot,
    talk,
    form,
    input,
    captions,
    silence,
    leave,
    bar,
    controls,
    log,
  };
}

/** A button that is pressed and stays so, for people who see it and for those who hear of it. */
export function press(button: HTMLButtonElement, isPressed: boolean): void {
  button.setAttribute('aria-pressed', String(isPressed));
}
