/** What one step of reading takes off the front: raw characters, and the words that are left of them. */
interface Step {
  readonly length: number;
  readonly words: string;
}
/** The next characters must be seen first. */
const WAIT = null;

/** A bracket that has not closed by then is a bracket. */
const BRACKET_LENGTH = 400;
const TAG_LENGTH = 200;
const ORDINARY = /^[^\n*_~`[!<\\]+/;
const RULE = /^[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*(?:\n|$)/;
const MARKER = /^[ \t]*(?:#{1,6}[ \t]+|[-*+•][ \t]+(?:\[[ xX]\][ \t]+)?|\d{1,3}[.)][ \t]+|>[ \t]?)/;
/** A line of which so much has come that it may still be a marker, a ruler or a fence. */
const MAYBE_MARKER =
  /^[ \t]*(?:#{1,6}[ \t]*|[-*+•][ \t]*(?:\[[ xX]?\]?[ \t]*)?|\d{1,3}[.)]?[ \t]*|>|[-*_][-*_ \t]*|`{1,2}|~{1,2})?$/;
const FENCE = /^[ \t]*(?:(`{3,})[^`\n]*|(~{3,})[^\n]*)(?:\n|$)/;
const MAYBE_FENCE = /^[ \t]*(?:`{3,}[^`\n]*|~{3,}[^\n]*)$/;
const TABLE_ROW = /^[ \t]*\|[^\n]*(?:\n|$)/;
const TAG = new RegExp(`^</?([a-zA-Z][a-zA-Z0-9]*)[^<>\\n]{0,${TAG_LENGTH}}>`);
const MAYBE_TAG = new RegExp(`^<(?:/?(?:[a-zA-Z][^<>\\n]{0,${TAG_LENGTH}})?)?$`);
/** Footnotes, sources, boxes to tick. */
const REFERENCE = /^(?:\^?\d{1,3}|\^[\w-]+|[ xX])$/;

/**
 * Takes Markdown and tags out of text that comes in pieces, wherever these are cut, and holds back no more than it must.
 * Code blocks and a model's `<think>` are left out whole; line ends stay, because they end sentences.
 */
export class PlainWords {
  #rest = '';
  #lineStart = true;
  /** The fence that ends the block of code that this is in. */
  #fence: string | null = null;
  #thinking = false;
  /** The last character that was let through on this line. */
  #before = '';
  #final = false;

  /** The words that are certain by now. */
  push(piece: string): string {
    this.#rest += piece;
    return this.#read();
  }

  /** What was held back; begins anew. */
  end(): string {
    this.#final = true;
    const words = this.#read();
    this.#rest = '';
    this.#lineStart = true;
    this.#fence = null;
    this.#thinking = false;
    this.#before = '';
    this.#final = false;
    return words;
  }

  #read(): string {
    let out = '';
    while (this.#rest !== '') {
      const step = this.#step();
      if (step === WAIT) break;
      this.#rest = this.#rest.slice(step.length);
      out += step.words;
      this.#before = step.words.at(-1) ?? this.#before;
      if (this.#before === '\n') this.#before = '';
    }
    return out;
  }

  #step(): Step | null {
    if (this.#thinking) return this.#thought();
    if (this.#fence !== null) return this.#code(this.#fence);
    if (this.#lineStart) {
      const step = this.#lineBegin();
      if (step === WAIT || step.length > 0) return step;
    }
    const rest = this.#rest;
    const ordinary = ORDINARY.exec(rest)?.[0];
    if (ordinary !== undefined) return { length: ordinary.length, words: ordinary };
    switch (rest.charAt(0)) {
      case '\n':
        this.#lineStart = true;
        return { length: 1, words: '\n' };
      case '`':
        return { length: 1, words: '' };
      case '[':
        return this.#bracket(0);
      case '!':
        if (rest.length < 2 && !this.#final) return WAIT;
        return rest.charAt(1) === '[' ? this.#bracket(1) : { length: 1, words: '!' };
      case '<':
        return this.#tag();
      case '\\':
        if (rest.length < 2 && !this.#final) return WAIT;
        return /^\\[!-/:-@[-`{-~]/.test(rest)
          ? { length: 2, words: rest.charAt(1) }
          : { length: 1, words: '\\' };
      default:
        return this.#emphasis();
    }
  }

  /** Nothing is taken when the line begins with its words. */
  #lineBegin(): Step | null {
    const rest = this.#rest;
    const complete = this.#final || rest.includes('\n');
    const fence = FENCE.exec(rest);
    if (fence && complete) {
      this.#fence = fence[1] ?? fence[2] ?? '';
      return { length: fence[0].length, words: '' };
    }
    if (!complete && (MAYBE_FENCE.test(rest) || MAYBE_MARKER.test(rest) || TABLE_ROW.test(rest))) return WAIT;
    const rule = RULE.exec(rest)?.[0];
    if (rule !== undefined) return { length: rule.length, words: '' };
    const row = TABLE_ROW.exec(rest)?.[0];
    if (row !== undefined) return { length: row.length, words: rowWords(row) };
    const marker = MARKER.exec(rest)?.[0];
    // A quotation or an item may begin with another marker.
    if (marker !== undefined) return { length: marker.length, words: '' };
    this.#lineStart = false;
    return { length: 0, words: '' };
  }

  #code(fence: string): Step | null {
    const end = this.#rest.indexOf('\n');
    if (end < 0 && !this.#final) return WAIT;
    const line = end < 0 ? this.#rest : this.#rest.slice(0, end);
    if (line.trimStart().startsWith(fence)) this.#fence = null;
    return { length: end < 0 ? line.length : end + 1, words: '' };
  }

  #thought(): Step | null {
    const end = /<\/think(?:ing)?>\s*/.exec(this.#rest);
    if (!end) return this.#final ? { length: this.#rest.length, words: '' } : WAIT;
    const length = end.index + end[0].length;
    // Space after it may go on.
    if (length === this.#rest.length && !this.#final) return WAIT;
    this.#thinking = false;
    this.#lineStart = this.#before === '';
    return { length, words: '' };
  }

  /** A link's text; nothing for pictures and footnotes; else the bracket as it is. `at`: where it opens. */
  #bracket(at: number): Step | null {
    const rest = this.#rest;
    const plain = { length: at + 1, words: rest.slice(0, at + 1) };
    const close = rest.slice(0, BRACKET_LENGTH).search(/[\]\n]/);
    if (close < 0) return this.#final || rest.length >= BRACKET_LENGTH ? plain : WAIT;
    if (rest.charAt(close) === '\n') return plain;
    const inner = rest.slice(at + 1, close);
    if (close + 1 === rest.length && !this.#final) return WAIT;
    if (rest.charAt(close + 1) === '(') {
      const end = rest
        .slice(0, close + BRACKET_LENGTH)
        .slice(close)
        .search(/[)\n]/);
      if (end < 0 && !this.#final && rest.length < close + BRACKET_LENGTH) return WAIT;
      if (end >= 0 && rest.charAt(close + end) === ')') {
        return { length: close + end + 1, words: at === 0 ? plainWords(inner) : '' };
      }
    }
    return at === 0 && REFERENCE.test(inner) ? { length: close + 1, words: '' } : plain;
  }

  #tag(): Step | null {
    const tag = TAG.exec(this.#rest);
    if (!tag) return MAYBE_TAG.test(this.#rest) && !this.#final ? WAIT : { length: 1, words: '<' };
    const name = tag[1]?.toLowerCase() ?? '';
    this.#thinking = /^think(ing)?$/.test(name) && !tag[0].startsWith('</');
    return { length: tag[0].length, words: name === 'br' ? ' ' : '' };
  }

  /** Stars, underscores and tildes, unless they are part of a word or a sum. */
  #emphasis(): Step | null {
    const run = /^(?:\*+|_+|~+)/.exec(this.#rest)?.[0] ?? '';
    const after = this.#rest.charAt(run.length);
    if (after === '' && !this.#final) return WAIT;
    const mark = run.charAt(0);
    const apart = /^\s?$/.test(this.#before) && /^\s?$/.test(after);
    const between = (what: RegExp): boolean => what.test(this.#before) && what.test(after);
    const kept =
      (run.length === 1 && (mark === '~' || (mark === '*' && apart))) ||
      (mark === '_' && between(/[\p{L}\p{N}]/u)) ||
      (mark === '*' && between(/\d/));
    return { length: run.length, words: kept ? run : '' };
  }
}

/** All of a text at once. */
export function plainWords(text: string): string {
  const words = new PlainWords();
  return words.push(text) + words.end();
}

/** The cells of a table's row, as a list that is heard; nothing for the line under its head. */
function rowWords(row: string): string {
  if (/^[\s|:-]*$/.test(row)) return '';
  const cells = row.split('|').map((cell) => plainWords(cell.trim()));
  return `${cells.filter((cell) => cell !== '').join(', ')}${row.endsWith('\n') ? '\n' : ''}`;
}
