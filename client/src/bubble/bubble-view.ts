import { call, h, icon, iconButton } from '../element/dom.ts';
import { fill } from '../element/texts.ts';
import type { TranscriptEntry } from '../transcript.ts';
import type { BubbleSettings } from './settings.ts';
import { bubbleSheets } from './styles.ts';
import type { BubbleTexts } from './texts.ts';

export type BubbleView = ReturnType<typeof createBubbleView>;

/** Builds the bubble in a shadow root of its own: the page's styles stay out, and its policy allows it. */
export function createBubbleView(settings: BubbleSettings) {
  const { name, position, theme, avatar, src, passed, texts, listen } = settings;
  const host = h('div', { 'data-vizavi-bubble': true, 'data-position': position, 'data-theme': theme });
  const root = host.attachShadow({ mode: 'open' });
  root.adoptedStyleSheets = bubbleSheets();
  const label = fill(texts.talkTo, { name });
  const poster = new URL(`/client/posters/${encodeURIComponent(avatar)}.jpg`, src).href;
  const picture = h('img', { src: poster, alt: '', crossorigin: 'anonymous' });
  // An avatar of one's own may have no picture there.
  picture.addEventListener('error', () => (picture.hidden = true));
  const face = h(
    'button',
    { type: 'button', class: 'face', 'aria-label': label, 'aria-haspopup': 'dialog' },
    picture,
    h('span', { class: 'tag', 'aria-hidden': 'true' }, texts.badge.split(' ')[0] ?? ''),
  );
  const dismiss = h(
    'button',
    { type: 'button', class: 'round plain', 'aria-label': texts.dismiss },
    icon('leave'),
  );
  const greeting = h('span');
  const teaser = h('div', { class: 'teaser', hidden: true }, greeting, dismiss);

  const minimise = iconButton('minimise', 'down');
  call(minimise, texts.minimise);
  const close = iconButton('close', 'leave');
  call(close, texts.leave);
  for (const button of [minimise, close]) button.classList.add('plain');
  const back = h('button', { type: 'button', class: 'back', 'aria-label': fill(texts.back, { name }) });
  const live = h('div', { class: 'live' });
  // The element tells screen readers what was said, once, when it is over: a line here changes while it is said.
  const said = h('div', {
    class: 'said',
    role: 'log',
    'aria-live': 'off',
    'aria-label': texts.conversation,
    tabindex: '0',
  });
  const talk = iconButton('talk', 'microphone');
  call(talk, listen === 'open' ? texts.talk : texts.push);
  const placeholder = passed['placeholder'] ?? fill(texts.ask, { name });
  const input = h('input', {
    maxlength: '10000',
    autocomplete: 'off',
    enterkeyhint: 'send',
    placeholder,
    'aria-label': placeholder,
  });
  const send = iconButton('send', 'send', 'submit');
  call(send, texts.send);
  const form = h('form', {}, talk, input, send);
  const panel = h(
    'section',
    { class: 'panel', role: 'dialog', 'aria-label': label, tabindex: '-1', hidden: true },
    h('header', {}, h('strong', {}, name), h('span', {}, texts.badge), minimise, close),
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

/** The conversation line by line; `unfinished` is what is being understood of a sentence that goes on. */
export function showTranscript(
  list: HTMLElement,
  entries: readonly TranscriptEntry[],
  unfinished: string,
  { notice }: BubbleTexts,
): void {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const lines = entries.map(({ role, text, interrupted }) =>
    h('p', { class: interrupted ? `${role} cut` : role }, text),
  );
  if (unfinished !== '') lines.push(h('p', { class: 'visitor', 'data-unfinished': true }, unfinished));
  list.replaceChildren(h('p', { class: 'notice' }, notice), ...lines);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}
