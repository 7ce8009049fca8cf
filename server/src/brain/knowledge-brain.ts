import { VizaviError } from '@vizavi/signaling';
import type { Brain, Exchange, ReplyRequest } from './brain.ts';
import { readFolder } from './knowledge-folder.ts';
import { KnowledgeIndex } from './knowledge-index.ts';
import type { Match } from './knowledge-index.ts';
import { bestStart, passageFrom } from './passage.ts';
import { splitSentences } from './sections.ts';
import type { Section } from './sections.ts';
import { smallTalk } from './small-talk.ts';

/** The end of a longer message is taken: there the question stands. */
const QUESTION_LENGTH = 600;
/** So many of its last sentences are tried one by one. */
const MOST_QUESTIONS = 6;
const MOST_TOPICS = 4;
/** Titles that begin so are part of a sentence in lower case. */
const LOWER = /^(?:what|how|why|who|where|when|which|the|a|an|your|our|my|about|putting|using|making)\b/i;
const NAME = /\b(?:[Yy]our name is|[Yy]ou are|I am|[Mm]y name is)\s+(\p{Lu}[\p{L}-]+)/u;

interface Place {
  readonly section: number;
  readonly sentence: number;
}

/** Answers from a folder of Markdown files by full-text search: no key, no network, the same answer to the same question. */
export class KnowledgeBrain implements Brain {
  readonly name = 'knowledge';
  readonly #sections: readonly Section[];
  readonly #index: KnowledgeIndex;
  readonly #places = new Map<string, Place>();
  readonly #topics: string;
  #closed = false;

  /** @throws VizaviError `invalid_config`: what is wrong with the folder */
  static async open(folder: string): Promise<KnowledgeBrain> {
    const sections = await readFolder(folder);
    return new KnowledgeBrain(sections, await KnowledgeIndex.build(sections));
  }

  private constructor(sections: readonly Section[], index: KnowledgeIndex) {
    this.#sections = sections;
    this.#index = index;
    this.#topics = listTopics(sections.map(({ title }) => title));
    for (const [section, { sentences }] of sections.entries()) {
      for (const [sentence, text] of sentences.entries()) {
        if (!this.#places.has(text)) this.#places.set(text, { section, sentence });
      }
    }
  }

  async *reply({ history, instructions, signal }: ReplyRequest): AsyncGenerator<string, void, undefined> {
    const check = (): void => {
      if (signal.aborted) throw new VizaviError('interrupted', 'the reply was interrupted');
      if (this.#closed) throw new VizaviError('brain_failed', 'the brain is closed');
    };
    check();
    for (const [index, sentence] of this.#answer(history, instructions).entries()) {
      yield index === 0 ? sentence : ` ${sentence}`;
      check();
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #answer(history: readonly Exchange[], instructions: string | null): readonly string[] {
    const asked = history.at(-1)?.text.trim() ?? '';
    const name = NAME.exec(instructions ?? '')?.[1] ?? null;
    const talk = smallTalk(asked.slice(0, QUESTION_LENGTH), { name, topics: this.#topics });
    if (talk.kind === 'answer') return splitSentences(talk.text);
    if (talk.kind === 'more') return this.#more(history);
    const isLong = asked.length > QUESTION_LENGTH;
    const match = this.#find(isLong ? asked.slice(-QUESTION_LENGTH) : asked);
    const passage = match ? this.#passage(match) : this.#unknown('I do not know that.');
    return isLong ? ['That was a lot at once, so I took the end of it.', ...passage] : passage;
  }

  /** Of several sentences the one that finds most is the question; the later one of two. */
  #find(text: string): Match | null {
    let best: Match | null = null;
    for (const sentence of splitSentences(text).slice(-MOST_QUESTIONS)) {
      const match = this.#index.find(sentence);
      if (match && match.score >= (best?.score ?? 0)) best = match;
    }
    return best ?? this.#index.find(text);
  }

  #passage({ section, weights }: Match): readonly string[] {
    const sentences = this.#sections[section]?.sentences ?? [];
    return passageFrom(sentences, bestStart(sentences, weights));
  }

  /** What follows the sentence that was heard last. */
  #more(history: readonly Exchange[]): readonly string[] {
    const last = this.#lastPlace(history);
    if (!last) return this.#unknown('Gladly.');
    const { title, sentences = [] } = this.#sections[last.section] ?? {};
    const rest = passageFrom(sentences, last.sentence + 1);
    if (rest.length > 0) return rest;
    const next = this.#sections[last.section + 1];
    if (next?.title === title) return passageFrom(next?.sentences ?? [], 0);
    return this.#unknown('That is all I know about it.');
  }

  #lastPlace(history: readonly Exchange[]): Place | null {
    for (const { role, text } of history.toReversed()) {
      if (role !== 'avatar') continue;
      for (const sentence of splitSentences(text).reverse()) {
        const place = this.#places.get(sentence);
        if (place) return place;
      }
    }
    return null;
  }

  #unknown(sentence: string): readonly string[] {
    return [sentence, `You can ask me about ${this.#topics}.`];
  }
}

/** "what it costs, privacy or voices" */
function listTopics(titles: readonly string[]): string {
  const topics = [...new Set(titles)].slice(0, MOST_TOPICS).map((title) => {
    const bare = title.replace(/[.!?:;,]+$/, '');
    return LOWER.test(bare) ? bare.charAt(0).toLowerCase() + bare.slice(1) : bare;
  });
  return topics.length < 2 ? topics.join() : `${topics.slice(0, -1).join(', ')} or ${topics.at(-1) ?? ''}`;
}
