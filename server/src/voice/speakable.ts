import type { SkippedText } from './voice.ts';

export interface Speakable {
  /** What flite is given: printable ASCII. Empty when there is nothing to say. */
  readonly spoken: string;
  /** Runs that it cannot say; offsets are those of the text passed in. */
  readonly skipped: readonly SkippedText[];
}

const REPLACED: Readonly<Record<string, string>> = {
  '“': '"',
  '”': '"',
  '„': '"',
  '«': '"',
  '»': '"',
  '‘': "'",
  '’': "'",
  '‚': ',',
  '–': ', ',
  '—': ', ',
  '…': '...',
  '•': ', ',
  '€': ' euros ',
  '£': ' pounds ',
  '°': ' degrees ',
  '×': ' times ',
  '÷': ' divided by ',
  '±': ' plus or minus ',
  '≈': ' about ',
  '©': ' copyright ',
  '™': ' trademark ',
  ß: 'ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  ð: 'th',
  þ: 'th',
  '⁄': '/',
};
/** Joiners, direction and variation marks: nothing that anybody would say. */
const INVISIBLE = /^[\p{Cf}\p{Mn}\u{FE00}-\u{FE0F}]$/u;

/** Turns text into what flite's English voices can say, and tells what is left out. */
export function speakable(text: string): Speakable {
  let spoken = '';
  const skipped: SkippedText[] = [];
  let at = 0;
  for (const char of text) {
    const said = sayable(char);
    const end = at + char.length;
    if (said !== null) spoken += said;
    else {
      const last = skipped.at(-1);
      if (last && /^\s*$/.test(text.slice(last.textEnd, at))) {
        skipped[skipped.length - 1] = { text: text.slice(last.textStart, end), textStart: last.textStart, textEnd: end };
      } else skipped.push({ text: char, textStart: at, textEnd: end });
      spoken += ' ';
    }
    at = end;
  }
  return { spoken: /[a-z0-9$%&@#+=]/i.test(spoken) ? spoken.replace(/\s+/g, ' ').trim() : '', skipped };
}

/** ASCII for one code point; null when there is none. */
function sayable(char: string): string | null {
  if (/^[\x20-\x7e]$/.test(char)) return char;
  if (/^\s$/.test(char)) return ' ';
  const replaced = REPLACED[char];
  if (replaced !== undefined) return replaced;
  if (INVISIBLE.test(char)) return '';
  const folded = char.normalize('NFKD').replace(/\p{Mn}/gu, '').replaceAll('⁄', '/');
  return /^[\x20-\x7e]+$/.test(folded) ? folded : null;
}
