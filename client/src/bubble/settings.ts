import { readTexts } from '../element/texts.ts';
import { TEXTS } from './texts.ts';
import type { BubbleTexts } from './texts.ts';

/** What the script's `data-…` attributes say. */
export interface BubbleSettings {
  readonly src: string;
  readonly avatar: string;
  readonly name: string;
  readonly position: 'bottom-right' | 'bottom-left';
  readonly theme: 'auto' | 'light' | 'dark';
  readonly greeting: string | null;
  readonly listen: 'push' | 'open' | 'off';
  readonly texts: BubbleTexts;
  /** Handed to `<vizavi-avatar>` as they are. */
  readonly passed: Readonly<Record<string, string>>;
}

const PASSED = ['token-url', 'voice', 'lang', 'placeholder'] as const;

export function readBubbleSettings(data: Readonly<DOMStringMap>, scriptUrl: string): BubbleSettings {
  const choice = <T extends string>(value: string | undefined, choices: readonly [T, ...T[]]): T =>
    choices.find((word) => word === value) ?? choices[0];
  const avatar = data['avatar'] ?? 'mira';
  const passed = PASSED.flatMap((name) => {
    const value = data[name.replace(/-(\w)/, (_, letter: string) => letter.toUpperCase())];
    return value === undefined ? [] : [[name, value] as const];
  });
  const { texts, others } = readTexts(TEXTS, data['texts']);
  return {
    src: new URL(data['src'] ?? '/', scriptUrl).href,
    avatar,
    name: data['name'] ?? avatar.charAt(0).toUpperCase() + avatar.slice(1),
    position: choice(data['position'], ['bottom-right', 'bottom-left']),
    theme: choice(data['theme'], ['auto', 'light', 'dark']),
    greeting: data['greeting'] ?? null,
    listen: choice(data['listen'], ['push', 'open', 'off']),
    texts,
    passed: {
      ...Object.fromEntries(passed),
      ...(Object.keys(others).length > 0 && { texts: JSON.stringify(others) }),
    },
  };
}
