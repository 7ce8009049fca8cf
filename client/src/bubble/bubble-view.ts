import { h, icon, iconButton } from '../element/dom.ts';
import type { TranscriptEntry } from '../transcript.ts';
import type { BubbleSettings } from './settings.ts';
import { bubbleSheets } from './styles.ts';

export type BubbleView = ReturnType<typeof createBubbleView>;

/** Builds the bubble in a shadow root of its own: the page's styles stay out, and its policy allows it. */
export function createBubbleView({ name, position, theme, avatar, src, passed }: BubbleSettings) {
  const host = h('div', { 'data-vizavi-bubble': true, 'data-position': position, 'data-theme': theme });
  const root = host.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = bubbleSheets();
  const label = `Talk to ${name}, an AI avatar`;
  const poster = new URL(`/client/posters/${encodeURIComponent(avatar)}.jpg`, src).href;
  const picture = h('img', { src: poster, alt: '', crossorigin: 'anonymous' });
  // An avatar of one's own may have no picture there.
  picture.addEventListener('error', () => (picture.hidden = true));
  const face = h(
    'button',
    { type: 'button', class: 'face', 'aria-label': label, 'aria-haspopup': 'dialog' },
    picture,
    h('span', { class: 'tag', 'aria-hidden': 'true' }, 'AI'),
  );
  const dismiss = h(
    'button',
    { type: 'button', class: 'round plain', 'aria-label': 'Dismiss' },
    icon('leave'),
  );
  const greeting = h('span');
  const teaser = h('div', { class: 'teaser', hidden: true }, greeting, dismiss);

  const minimise = iconButton('minimise', 'down', 'Minimise');
  const close = iconButton('close', 'leave', 'End the conversation');
  for (const button of [minimise, close]) button.classList.add('plain');
  const back = h('button', { type: 'button', class: 'back', 'aria-label': `Back to ${name}` });
  const live = h('div', { class: 'live' });
  const said = h('ol', { class: 'said', 'aria-label': 'Conversation', tabindex: '0' });
  const talk = iconButton('talk', 'microphone', 'Hold to talk');
  const placeholder = passed['placeholder'] ?? `Ask ${name}…`;
  const input = h('input', {
    maxlength: '10000',
    autocomplete: 'off',
    enterkeyhint: 'send',
    placeholder,
    'aria-label': placeholder,
  });
  const send = h('button', { class: 'round send', 'aria-label': 'Send', title: 'Send' }, icon('send'));
  const form = h('form', {}, talk, input, send);
  const panel = h(
    'section',
    { class: 'panel', role: 'dialog', 'aria-label': label, tabindex: '-1', hidden: true },
    h('header', {}, h('strong', {}, name), h('span', {}, 'AI avatar'), minimise, close),
    h('div', { class: 'live' }, live, back),
    said,
    form,
  );
  const frame = h('div', { 'data-view': 'closed' }, panel, teaser, face);
  root.append(frame);
  return {
    host,
    frame,
    face,
    teaser,
    greeting,
    dismiss,
    panel,
    minimise,
    close,
    back,
    live,
    said,
    talk,
    input,
    form,
  };
}

const NOTICE = 'This is an AI avatar: face and voice are synthetic. It can be wrong.';

/** The conversation as a list; `unfinished` is what is being understood of a sentence that goes on. */
export function showTranscript(
  list: HTMLElement,
  entries: readonly TranscriptEntry[],
  unfinished: string,
): void {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const lines = entries.map(({ role, text, interrupted }) =>
    h('li', { class: interrupted ? `${role} cut` : role }, text),
  );
  if (unfinished !== '') lines.push(h('li', { class: 'visitor', 'data-unfinished': true }, unfinished));
  list.replaceChildren(h('li', { class: 'notice' }, NOTICE), ...lines);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}
