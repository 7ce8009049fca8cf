/** A piece of text that is said in one breath: UTF-16 offsets into the whole, end exclusive, without outer spaces. */
export interface Clause {
  readonly start: number;
  readonly end: number;
  /** The pause after it, as its punctuation asks. */
  readonly pause: 'sentence' | 'clause' | 'none';
}

/** What follows a word, the best place for a cut first. */
type Break = 'sentence' | 'clause' | 'phrase' | 'word';

interface Word {
  readonly start: number;
  readonly end: number;
  readonly after: Break;
}

/** A sentence longer than this is cut where it breathes. The first clause is short: synthesis takes 0.7 ms a character. */
const FIRST_LENGTH = 40;
const LATER_LENGTH = 120;
/** A cut leaves at least this much before it: "Well," does not stand alone; and without a comma, after it: nor does "and me". */
const LEAST_BEFORE = 8;
const LEAST_AFTER = 16;

const WORD = /[^\s—]{1,120}—*|—+/gu;
const GAP = /\s*/y;
const NEXT = /["'“‘(]*([\p{L}\p{N}]\p{L}*)/uy;
const SENTENCE_END = /([.!?…]+)["'”’)\]»]*$/;
const CLAUSE_END = /[,;:—–]["'”’)\]»]*$|^-+$/;
/** Words before which one may breathe. */
const PHRASE_STARTS = new Set(
  'and or but because while when where which who if since although though until unless'.split(' '),
);
const ABBREVIATIONS = new Set(
  'mr mrs ms dr prof st gen rev sen rep gov capt lt col sgt hon jr sr vs cf approx dept inc ltd co corp'.split(
    ' ',
  ),
);
const NUMBERED = new Set(
  'no nos fig vol ch sec p pp jan feb mar apr jun jul aug sep sept oct nov dec'.split(' '),
);

/** Cuts text after sentences, and long ones at a comma, before an "and", or at any space, in this order. */
export function splitClauses(text: string): Clause[] {
  const clauses: Clause[] = [];
  const words = Array.from(text.matchAll(WORD), ({ 0: word, index }): Word => {
    const end = index + word.length;
    return { start: index, end, after: breakAfter(text, index, end) };
  });
  for (let from = 0; from < words.length;) {
    const to = lastWord(words, from, clauses.length === 0 ? FIRST_LENGTH : LATER_LENGTH);
    const [first, last] = [words[from], words[to]];
    if (!first || !last) break;
    const pause = last.after === 'sentence' || last.after === 'clause' ? last.after : 'none';
    clauses.push({ start: first.start, end: last.end, pause });
    from = to + 1;
  }
  return clauses;
}

/** The index of the last word of the clause that begins with word `from`. */
function lastWord(words: readonly Word[], from: number, length: number): number {
  const start = words[from]?.start ?? 0;
  let clause = -1;
  let phrase = -1;
  for (let at = from; at < words.length; at += 1) {
    const { end, after } = words[at] as Word;
    if (end - start > length && clause >= 0) return clause;
    if (end - start > length && end - (words[phrase]?.end ?? end) >= LEAST_AFTER) return phrase;
    if (end - start > LATER_LENGTH) return Math.max(from, at - 1);
    if (after === 'sentence') return at;
    if (end - start < LEAST_BEFORE) continue;
    if (after === 'clause') clause = at;
    if (after === 'phrase') phrase = at;
  }
  return words.length - 1;
}

function breakAfter(text: string, start: number, end: number): Break {
  GAP.lastIndex = end;
  const gap = GAP.exec(text)?.[0] ?? '';
  if (gap.includes('\n') || end === text.length) return 'sentence';
  NEXT.lastIndex = end + gap.length;
  const next = NEXT.exec(text)?.[1] ?? '';
  // Bounded, so that a word of nothing but full stops costs no more than another.
  const tail = text.slice(Math.max(start, end - 16), end);
  const stop = gap && SENTENCE_END.exec(tail)?.[1];
  if (stop && !(stop === '.' && isAbbreviation(tail, next))) {
    // “Really?” he said.
    return /^\p{Ll}/u.test(next) ? 'clause' : 'sentence';
  }
  if (CLAUSE_END.test(tail) && (gap || tail.endsWith('—'))) return 'clause';
  return gap && PHRASE_STARTS.has(next) ? 'phrase' : 'word';
}

/** "Dr.", "e.g.", "U.S.", "J.", and "No." before a number. A wrong yes is harmless: flite pauses there all the same. */
function isAbbreviation(word: string, next: string): boolean {
  const stem = /[\p{L}.]*(?=\.)/u.exec(word)?.[0] ?? '';
  return (
    ABBREVIATIONS.has(stem.toLowerCase()) ||
    (NUMBERED.has(stem.toLowerCase()) && /^\d/.test(next)) ||
    /^\p{L}(\.\p{L})+$/u.test(stem) ||
    /^[A-HJ-Z]$/.test(stem)
  );
}
