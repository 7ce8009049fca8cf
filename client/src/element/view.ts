import { call, h, icon, iconButton } from './dom.ts';
import { avatarSheets } from './styles.ts';
import type { Words } from './words.ts';

/** The pieces of `<vizavi-avatar>` that its owner fills and listens to. */
export type View = ReturnType<typeof createView>;

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
  const badge = h('p', { part: 'badge', class: 'pill badge' });
  const caption = h('p', { part: 'caption', class: 'caption', 'aria-hidden': 'true' });
  const captionSlot = h('slot', { name: 'caption' }, caption);
  const sound = h('button', { type: 'button', part: 'button sound', class: 'sound', hidden: true });

  const title = h('strong', { part: 'title', id: 'title' });
  const text = h('p', { part: 'text', hidden: true });
  const noticeText = h('p', { part: 'notice' });
  const notice = h('slot', { name: 'notice' }, noticeText);
  const start = h('button', { type: 'button', part: 'button start', class: 'primary' });
  const startSlot = h('slot', { name: 'start' }, start);
  const card = h(
    'div',
    { part: 'card', class: 'card', role: 'group', 'aria-labelledby': 'title' },
    title,
    text,
    notice,
    startSlot,
  );

  const talk = iconButton('talk', 'microphone');
  const input = h('input', {
    part: 'input',
    maxlength: '10000',
    autocomplete: 'off',
    enterkeyhint: 'send',
  });
  const send = iconButton('send', 'send', 'submit');
  const form = h('form', { part: 'composer', hidden: true }, input, send);
  const captions = iconButton('captions', 'captions');
  const silence = iconButton('silence', 'silence');
  const leave = iconButton('leave', 'leave');
  const bar = h(
    'div',
    { part: 'controls', class: 'bar', role: 'group' },
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

  /** All words that stay as they are in every state. */
  const say = (words: Words): void => {
    noticeText.textContent = badge.title = words.notice;
    // Where there is little room, its first word stands alone.
    const [first = '', ...rest] = words.badge.split(' ');
    badge.replaceChildren(h('b', {}, first), h('span', {}, ...rest.map((word) => ` ${word}`)));
    sound.replaceChildren(icon('sound'), words.sound);
    bar.ariaLabel = words.conversation;
    call(send, words.send);
    call(silence, words.interrupt);
    call(captions, words.captions);
    call(leave, words.leave);
  };
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
    say,
  };
}

/** A button that is pressed and stays so, for people who see it and for those who hear of it. */
export function press(button: HTMLButtonElement, isPressed: boolean): void {
  button.setAttribute('aria-pressed', String(isPressed));
}
