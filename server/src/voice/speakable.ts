import type { SkippedText } from './voice.ts';

/** What characters sound like that compatibility folding (NFKD) does not take to ASCII: sound, then its characters. */
const SOUNDS = new Map(
  [
    ['"', '“”„«»″'],
    ["'", '‘’´′'],
    ['-', '‐−'],
    [', ', '–—•·→‚'],
    ['', '¡¿®'],
    [' euros ', '€'],
    [' pounds ', '£'],
    [' yen ', '¥'],
    [' rupees ', '₹'],
    [' cents ', '¢'],
    [' degrees ', '°'],
    [' times ', '×'],
    [' divided by ', '÷'],
    [' plus or minus ', '±'],
    [' about ', '≈'],
    [' at most ', '≤'],
    [' at least ', '≥'],
    [' copyright ', '©'],
    [' section ', '§'],
    ['/', '⁄'],
    ['ss', 'ß'],
    ['ae', 'æÆ'],
    ['oe', 'œŒ'],
    ['o', 'øØ'],
    ['l', 'łŁ'],
    ['d', 'đĐ'],
    ['th', 'ðÐþÞ'],
    ['i', 'ı'],
  ].flatMap(([sound = '', chars = '']) => Array.from(chars, (char) => [char, sound] as const)),
);
/** Flite knows only the dollar; others are said after the sum. */
const SIGN_BEFORE_SUM = /([€£¥₹]) ?(\d(?:[\d,.]*\d)?)((?: (?:thousand|million|billion|trillion))?)/g;
/** Read as words or wrongly by flite ("eye" for AI). */
const SPELLED = /\b(AI|API|UI|UX|ID|URL|EU|CEO|FAQ|ETA|OS)(s?)\b/g;

/** Said as nothing by itself: joiners, direction marks, variation selectors, combining marks. */
const INVISIBLE = /^[\p{Cf}\p{M}]$/u;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** The runs of `text` that no English voice can say. Spaces between two of them belong to the run. */
export function findUnspeakable(text: string): SkippedText[] {
  const runs: { start: number; end: number }[] = [];
  let at = 0;
  /** Only spaces and marks since the last run. */
  let open = false;
  for (const char of text) {
    const end = at + char.length;
    const last = runs.at(-1);
    if (soundOf(char) === null) {
      if (open && last) last.end = end;
      else runs.push({ start: at, end });
      open = true;
    } else if (INVISIBLE.test(char) && last?.end === at) last.end = end;
    else if (!/\s/.test(char)) open = false;
    at = end;
  }
  return runs.map(({ start, end }) => ({ text: text.slice(start, end), textStart: start, textEnd: end }));
}

/** What flite is given for `text`: printable ASCII without what it cannot say; empty when nothing is left to say. */
export function speakable(text: string): string {
  const plain = text.replace(SIGN_BEFORE_SUM, '$2$3 $1').replace(/(\d)\s*[–−]\s*(?=\d)/g, '$1-');
  let ascii = '';
  for (const char of plain) ascii += soundOf(char) ?? ' ';
  const spoken = ascii
    // Rulers, and the marks of headings and emphasis.
    .replace(/([^\w\s.])\1{2,}/g, ' ')
    .replace(/(?<!\w)[*_`~]+(?=\w)|(?<=[\w.,!?])[*_`~]+(?!\w)/g, '')
    .replace(/\bhttps?:\/\//g, '')
    .replace(/#(?=\d)/g, 'number ')
    .replace(/(?<!\w)#+(?!\w)/g, '')
    .replace(SPELLED, (_, letters: string, plural: string) => letters.split('').join(' ') + (plural && "'s"))
    .replace(/\s+/g, ' ')
    .trim();
  return /[\w$%&@#+=*/\\^|~<>]/.test(spoken) ? spoken : '';
}

/** ASCII for one code point; null when there is none. */
function soundOf(char: string): string | null {
  if (/^\s$/.test(char)) return ' ';
  const sound = SOUNDS.get(char) ?? (INVISIBLE.test(char) ? '' : char);
  if (PRINTABLE.test(sound)) return sound;
  // ½ is 1⁄2: "21⁄2" would be another number than 2½.
  const folded = char
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/^(\d+)⁄/, ' $1/');
  let out = '';
  for (const part of folded) out += SOUNDS.get(part) ?? part;
  return PRINTABLE.test(out) ? out : null;
}
