import { findUnspeakable, speakable } from './speakable.ts';
import type { SkippedText } from './voice.ts';

/** What a voice can read: English and its neighbours, or every script. */
export type Scripts = 'latin' | 'all';

/** A pictograph with its skin tones, joiners and tags; © and digits are none. */
const PICTOGRAPH = String.raw`(?:\p{RI}\p{RI}|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f)[\p{Emoji_Modifier}\ufe0f\u20e3\u{e0020}-\u{e007f}]*(?:\u200d\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]*)*)`;
const PICTOGRAPHS = new RegExp(`${PICTOGRAPH}(?:\\s*${PICTOGRAPH})*`, 'gu');
const CONTROL = /[\p{Cc}\p{Cs}\p{Co}\p{Bidi_Control}]+/gu;

/** The runs of `text` that the voice cannot say. */
export function findUnsayable(text: string, scripts: Scripts): SkippedText[] {
  if (scripts === 'latin') return findUnspeakable(text);
  return Array.from(text.matchAll(PICTOGRAPHS), ({ 0: run, index }) => {
    return { text: run, textStart: index, textEnd: index + run.length };
  });
}

/** `text` as it is sent to be read, its accents as they are; empty when there is nothing to say. */
export function sayable(text: string, scripts: Scripts): string {
  if (scripts === 'latin' && speakable(text) === '') return '';
  let rest = '';
  let from = 0;
  for (const { textStart, textEnd } of findUnsayable(text, scripts)) {
    rest += `${text.slice(from, textStart)} `;
    from = textEnd;
  }
  const clean = (rest + text.slice(from)).replace(CONTROL, ' ').replace(/\s+/g, ' ').trim();
  return scripts === 'latin' || /[\p{L}\p{N}\p{S}&%@#*/]/u.test(clean) ? clean : '';
}
