/** A piece of text that is said in one breath: UTF-16 offsets into the whole, end exclusive, without outer spaces. */
export interface Clause {
  readonly start: number;
  readonly end: number;
  /** The pause after it, as its punctuation asks. */
  readonly pause: 'sentence' | 'clause' | 'none';
}

/** The first clause is short, so that the first sound comes soon; later ones are whole sentences, so that they sound whole. */
const FIRST_LENGTH = { least: 12, most: 60 };
const LATER_LENGTH = { least: 40, most: 160 };

const ABBREVIATIONS = new Set(
  'mr mrs ms dr prof st vs etc no jr sr inc ltd co corp dept approx fig vol rev gen sen e.g i.e cf'.split(' '),
);
const CLOSING = /["'”’)\]»]/;
const SPACE = /\s/;

/** Cuts text at sentences; where one is too long at a comma, where there is none at a space. */
export function splitClauses(text: string): Clause[] {
  const clauses: Clause[] = [];
  let start = 0;
  while (start < text.length) {
    const length = clauses.length === 0 ? FIRST_LENGTH : LATER_LENGTH;
    const { end, pause } = nextCut(text, start, length);
    const clause = trim(text, start, end);
    if (clause.start < clause.end) clauses.push({ ...clause, pause });
    start = end;
  }
  return clauses;
}

function nextCut(
  text: string,
  start: number,
  length: { least: number; most: number },
): { end: number; pause: Clause['pause'] } {
  let comma = -1;
  let space = -1;
  for (let at = start; at < text.length; at += 1) {
    const kind = boundaryAt(text, at);
    const end = afterClosing(text, at + 1);
    if (kind === 'sentence') return { end, pause: 'sentence' };
    if (at - start >= length.most) {
      if (comma > 0) return { end: comma, pause: 'clause' };
      if (space > 0) return { end: space, pause: 'none' };
      // A word without an end is cut, but never through a surrogate pair.
      const pair = /[\uDC00-\uDFFF]/.test(text[at] ?? '') ? 1 : 0;
      return { end: at + pair, pause: 'none' };
    }
    if (kind === 'comma' && at - start >= length.least) comma = end;
    if (SPACE.test(text[at] ?? '')) space = at + 1;
  }
  return { end: text.length, pause: 'none' };
}

function boundaryAt(text: string, at: number): 'sentence' | 'comma' | null {
  const char = text[at] ?? '';
  if (char === '\n' || /[。！？]/.test(char)) return 'sentence';
  const after = text[afterClosing(text, at + 1)];
  const atEnd = after === undefined || SPACE.test(after);
  if (/[!?…]/.test(char)) return atEnd ? 'sentence' : null;
  if (char === '.') return atEnd && (after === undefined || !isAbbreviation(text, at)) ? 'sentence' : null;
  if (/[—–]/.test(char)) return 'comma';
  return /[,;:]/.test(char) && atEnd ? 'comma' : null;
}

/** "Dr.", "e.g.", "U.S.", "J." and the like do not end a sentence. */
function isAbbreviation(text: string, dot: number): boolean {
  const word = /[\p{L}.]*$/u.exec(text.slice(Math.max(0, dot - 12), dot))?.[0] ?? '';
  return ABBREVIATIONS.has(word.toLowerCase()) || /^\p{L}$/u.test(word) || /\p{L}\.\p{L}/u.test(word);
}

function afterClosing(text: string, from: number): number {
  let at = from;
  while (CLOSING.test(text[at] ?? '') || /[.!?…]/.test(text[at] ?? '')) at += 1;
  return at;
}

function trim(text: string, from: number, to: number): { start: number; end: number } {
  let start = from;
  let end = to;
  while (start < end && SPACE.test(text[start] ?? '')) start += 1;
  while (end > start && SPACE.test(text[end - 1] ?? '')) end -= 1;
  return { start, end };
}
