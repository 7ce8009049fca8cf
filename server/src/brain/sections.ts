import { splitClauses } from '../voice/clauses.ts';
import { plainWords } from './plain-words.ts';

/** What stands under one heading, as it is said. */
export interface Section {
  /** The file's first heading, or its name. */
  readonly title: string;
  /** The title again for what stands right under it. */
  readonly heading: string;
  /** Other ways to ask for it: the lines of `<!-- asked: … -->`. Not spoken. */
  readonly asked: readonly string[];
  /** Never empty. */
  readonly sentences: readonly string[];
}

interface Draft {
  readonly heading: string;
  readonly asked: string[];
  readonly blocks: Block[];
}
interface Block {
  readonly kind: 'paragraph' | 'item';
  text: string;
}

const FRONT_MATTER = /^---\n[^]*?\n---(?:\n|$)/;
const COMMENT = /<!--([^]*?)-->/g;
const HEADING = /^ {0,3}(#{1,6})\s+(.+?)\s*#*\s*$/;
const UNDERLINE = /^ {0,3}(?:=+|-{2,})\s*$/;
const ITEM = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+(.*)$/;
const FENCE = /^\s*(`{3,}|~{3,})/;
/** Tables, rulers, pictures alone, and definitions of links. */
const SILENT = /^\s*(?:\||(?:[-*_]\s*){3,}$|!\[[^\]]*\]\([^)]*\)\s*$|\[[^\]]+\]:\s)/;
/** As many items, and as many words in each, as make one sentence. */
const SHORT_ITEMS = 6;
const SHORT_ITEM_WORDS = 8;
/** A sentence of more characters than this is no sentence, and cut. */
const SENTENCE_LENGTH = 400;

/** Cuts a Markdown file into its sections, in order; those without a word are left out. */
export function readSections(markdown: string, fileName: string): Section[] {
  const drafts = readDrafts(
    markdown
      .replace(/\r\n?/g, '\n')
      .replace(/^\ufeff/, '')
      .replace(FRONT_MATTER, ''),
  );
  const title = drafts.find(({ heading }) => heading !== '')?.heading ?? titleOf(fileName);
  return drafts.flatMap(({ heading, asked, blocks }) => {
    const sentences = sentencesOf(blocks);
    return sentences.length === 0 ? [] : { title, heading: heading || title, asked, sentences };
  });
}

/** The sentences of plain words. */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let from: number | null = null;
  const clauses = splitClauses(text);
  for (const [index, { start, end, pause }] of clauses.entries()) {
    from ??= start;
    if (pause !== 'sentence' && index < clauses.length - 1 && end - from < SENTENCE_LENGTH) continue;
    sentences.push(text.slice(from, end));
    from = null;
  }
  return sentences;
}

function readDrafts(markdown: string): Draft[] {
  let draft: Draft = { heading: '', asked: [], blocks: [] };
  const drafts = [draft];
  let fence: string | null = null;
  let open: Block | null = null;
  const begin = (heading: string): void => {
    draft = { heading: plainWords(heading).trim(), asked: [], blocks: [] };
    drafts.push(draft);
    open = null;
  };
  const text = markdown.replace(COMMENT, (_, comment: string) => {
    const asked = /^\s*asked:([^]*)$/i.exec(comment)?.[1];
    // A line of its own, which no author writes: NUL is no text.
    return asked === undefined ? '' : `\n\0${asked.replace(/\n/g, ',')}\n`;
  });
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
      continue;
    }
    const heading = HEADING.exec(line)?.[2];
    const item = ITEM.exec(line)?.[1];
    if (line.startsWith('\0'))
      draft.asked.push(
        ...line
          .slice(1)
          .split(',')
          .flatMap((way) => way.trim() || []),
      );
    else if (mark !== undefined) {
      fence = mark;
      open = null;
    } else if (heading !== undefined) begin(heading);
    else if (UNDERLINE.test(line) && isParagraph(open)) {
      draft.blocks.pop();
      begin((open as Block).text);
    } else if (line.trim() === '' || SILENT.test(line)) open = null;
    else if (item !== undefined) draft.blocks.push((open = { kind: 'item', text: item }));
    else if (open) open.text += ` ${line.trim()}`;
    else draft.blocks.push((open = { kind: 'paragraph', text: line.trim() }));
  }
  return drafts;
}

function isParagraph(block: Block | null): boolean {
  return block?.kind === 'paragraph';
}

function sentencesOf(blocks: readonly Block[]): string[] {
  const sentences: string[] = [];
  for (let at = 0; at < blocks.length;) {
    const block = blocks[at] as Block;
    const count = blocks.slice(at + 1).findIndex(({ kind }) => kind !== 'item');
    const items = blocks
      .slice(at + 1, count < 0 ? blocks.length : at + 1 + count)
      .map(({ text }) => words(text));
    const lead = words(block.text);
    if (block.kind === 'paragraph' && lead.endsWith(':') && items.length > 0) {
      const list = enumeration(items);
      sentences.push(...splitSentences(list === null ? `${lead.slice(0, -1)}.` : `${lead} ${list}`));
      at += list === null ? 1 : 1 + items.length;
      continue;
    }
    sentences.push(...splitSentences(closed(lead)));
    at += 1;
  }
  return sentences;
}

/** "a, b and c." where the items are short enough for one breath. */
function enumeration(items: readonly string[]): string | null {
  const short = items.every(
    (item) => item.split(' ').length <= SHORT_ITEM_WORDS && !/[.!?:;]/.test(item.slice(0, -1)),
  );
  if (!short || items.length > SHORT_ITEMS) return null;
  const bare = items.map((item) => item.replace(/[.,;!?]+$/, ''));
  const last = bare.at(-1) ?? '';
  return bare.length === 1 ? `${last}.` : `${bare.slice(0, -1).join(', ')} and ${last}.`;
}

function words(text: string): string {
  return plainWords(text).replace(/\s+/g, ' ').trim();
}

/** With a full stop where it has no end, so that it is heard as a sentence. */
function closed(text: string): string {
  if (text === '' || /[.!?…]["'”’)\]»]*$/.test(text)) return text;
  return `${text.replace(/[,;:–—-]+$/, '')}.`;
}

/** `opening-hours.md` is about opening hours. */
function titleOf(fileName: string): string {
  const name = fileName.replace(/\.md$/i, '').replace(/[-_]+/g, ' ').trim();
  return name.charAt(0).toUpperCase() + name.slice(1);
}
