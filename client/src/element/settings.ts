import { readWords } from './words.ts';
import type { Words } from './words.ts';

/** What the attributes of `<vizavi-avatar>` say. */
export interface Settings {
  /** Address of the vizavi server. */
  readonly src: string;
  readonly token: string | null;
  readonly tokenUrl: string | null;
  readonly avatar: string | null;
  readonly voice: string | null;
  readonly autostart: boolean;
  readonly listen: 'off' | 'open' | 'push';
  readonly captions: boolean;
  readonly controls: 'none' | 'basic' | 'full';
  readonly isTransparent: boolean;
  readonly greeting: string | null;
  readonly placeholder: string | null;
  readonly lang: string | null;
  readonly texts: Words;
}

export const ATTRIBUTES = [
  'src',
  'token',
  'token-url',
  'avatar',
  'voice',
  'autostart',
  'listen',
  'captions',
  'controls',
  'fit',
  'crop',
  'background',
  'greeting',
  'placeholder',
  'lang',
  'texts',
] as const;

/** What the attributes say; a word that is not among the choices counts as the first of them. */
export function readSettings(element: Element): Settings {
  const value = (name: (typeof ATTRIBUTES)[number]): string | null => element.getAttribute(name) ?? null;
  const choice = <T extends string>(name: (typeof ATTRIBUTES)[number], choices: readonly [T, ...T[]]): T =>
    choices.find((word) => word === value(name)) ?? choices[0];
  return {
    src: new URL(value('src') ?? import.meta.url, document.baseURI).href,
    token: value('token'),
    tokenUrl: value('token-url'),
    avatar: value('avatar'),
    voice: value('voice'),
    autostart: element.hasAttribute('autostart'),
    listen: choice('listen', ['off', 'open', 'push']),
    captions: choice('captions', ['on', 'off']) === 'on',
    controls: choice('controls', ['basic', 'none', 'full']),
    isTransparent: choice('background', ['scene', 'transparent']) === 'transparent',
    greeting: value('greeting'),
    placeholder: value('placeholder'),
    lang: value('lang') ?? element.closest<HTMLElement>('[lang]')?.lang ?? null,
    texts: readWords(value('texts')),
  };
}

/** The server's picture of this avatar. */
export function posterUrl({ src, avatar }: Settings): string | null {
  return avatar === null ? null : new URL(`/client/posters/${encodeURIComponent(avatar)}.jpg`, src).href;
}
