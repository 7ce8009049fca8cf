type Attributes = Readonly<Record<string, string | boolean>>;

/** An element with these attributes (`true` is an empty one, `false` is none) and children. No HTML is parsed. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** Drawn with lines in 24 × 24. */
const ICONS = {
  microphone:
    'M12 3.5a2.8 2.8 0 0 0-2.8 2.8v5a2.8 2.8 0 0 0 5.6 0v-5A2.8 2.8 0 0 0 12 3.5ZM6 11.2a6 6 0 0 0 12 0M12 17.2v3.3',
  microphoneOff:
    'M9.2 9.4v1.9a2.8 2.8 0 0 0 4.4 2.3M14.8 10.6V6.3a2.8 2.8 0 0 0-5.4-1M6 11.2a6 6 0 0 0 9.4 4.9M18 11.2c0 .9-.2 1.7-.5 2.4M12 17.2v3.3M4.5 4.5l15 15',
  captions:
    'M5.5 5.5h13a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2ZM7 11.5h4M14 11.5h3M7 15h2M12 15h5',
  silence: 'M7.5 7.5h9v9h-9z',
  leave: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  send: 'M12 19V5.5M6 11.2l6-6 6 6',
  down: 'M6 9.5l6 6 6-6',
  sound: 'M4.5 9.7v4.6h3l4.5 3.7V6L7.5 9.7ZM15.2 9.2a4 4 0 0 1 0 5.6M17.8 6.6a7.6 7.6 0 0 1 0 10.8',
} as const;
export type IconName = keyof typeof ICONS;

export function icon(name: IconName): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const drawing = document.createElementNS(space, 'svg');
  drawing.setAttribute('viewBox', '0 0 24 24');
  drawing.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** A button that shows an icon. */
export function iconButton(part: string, name: IconName, type = 'button'): HTMLButtonElement {
  return h('button', { type, part: `button ${part}`, class: `round ${part}` }, icon(name));
}

/** Names a button that has no words in it, for people who see it and for those who hear of it. */
export function call(button: HTMLButtonElement, name: string): void {
  button.ariaLabel = button.title = name;
}

/** Sheets work where a site's content security policy forbids styles in the page. */
export function sheet(css: string): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}
