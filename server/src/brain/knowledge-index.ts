import MiniSearch from 'minisearch';
import type { Section } from './sections.ts';
import { termOf, termsOf, wordsOf } from './terms.ts';

export interface Match {
  /** Index of the section. */
  readonly section: number;
  /** How well it fits, for a comparison with others. */
  readonly score: number;
  /**
   * How much each term counts, 0 (it is everywhere) … 1 (nowhere else), that stands in the section's text alone; those of
   * its heading are what all of it is about.
   */
  readonly weights: ReadonlyMap<string, number>;
}

type Field = 'heading' | 'asked' | 'title' | 'text';
interface Entry extends Record<Field, string> {
  readonly id: number;
}
interface Hit {
  readonly id: number;
  readonly score: number;
  /** Terms of the section, and where they stand. */
  readonly match: Readonly<Record<string, readonly string[]>>;
}

interface Found {
  proof: number;
  score: number;
  readonly weights: Map<string, number>;
}

/** How much a term of the question proves, by where it stands. */
const PROOF: Readonly<Record<Field, number>> = { heading: 1, asked: 1, title: 0.8, text: 0.65 };
const BOOST: Readonly<Record<Field, number>> = { heading: 3, asked: 3, title: 1.5, text: 1 };
/** Of the beginning of a word, or of one that is spelled otherwise. */
const INEXACT = 0.8;
/**
 * The question's words must carry the answer: as much of their weight, and as much in all. Found with the questions of the
 * tests about the default knowledge.
 */
const LEAST_SHARE = 0.5;
const LEAST_PROOF = 0.42;
/** Knowledge counts as this many sections at least: in three of them every word would be a common one. */
const LEAST_SIZE = 30;
/** Terms of a question beyond this many are left out. */
const MOST_TERMS = 24;
/** Sections that are indexed at a stretch. */
const CHUNK = 100;

/** Full-text search over sections. */
export class KnowledgeIndex {
  readonly #index: MiniSearch<Entry>;
  readonly #size: number;
  /** Sections by a way to ask for them, {@link keyOf}. */
  readonly #phrases = new Map<string, number>();

  static async build(sections: readonly Section[]): Promise<KnowledgeIndex> {
    const index = new KnowledgeIndex(sections);
    const entries = sections.map(({ heading, title, asked, sentences }, id): Entry => {
      return { id, heading, title, asked: asked.join(' '), text: sentences.join(' ') };
    });
    await index.#index.addAllAsync(entries, { chunkSize: CHUNK });
    return index;
  }

  private constructor(sections: readonly Section[]) {
    this.#size = Math.max(LEAST_SIZE, sections.length);
    this.#index = new MiniSearch<Entry>({
      fields: Object.keys(PROOF),
      tokenize: wordsOf,
      processTerm: termOf,
      searchOptions: {
        boost: BOOST,
        prefix: (term) => term.length >= 5,
        weights: { prefix: 0.5, fuzzy: 0.4 },
        // Terms are looked up one by one, as they are.
        tokenize: (term) => [term],
        processTerm: (term) => term,
      },
    });
    for (const [id, { heading, asked }] of sections.entries()) {
      for (const phrase of [heading, ...asked]) {
        const key = keyOf(phrase);
        if (key !== '' && !this.#phrases.has(key)) this.#phrases.set(key, id);
      }
    }
  }

  /** The section that answers; null when none does. */
  find(question: string): Match | null {
    const terms = [...new Set(termsOf(question))].slice(0, MOST_TERMS);
    const found = new Map<number, Found>();
    let total = 0;
    for (const term of terms) {
      const hits = this.#hits(term);
      const weight = this.#weight(hits.filter(({ match }) => term in match).length);
      total += weight;
      for (const { id, score, match } of hits) {
        const so = found.get(id) ?? { proof: 0, score: 0, weights: new Map() };
        for (const [same, fields] of Object.entries(match)) {
          if (fields.every((field) => field === 'text')) so.weights.set(same, weight);
        }
        so.proof += weight * proofOf(term, match);
        so.score += score;
        found.set(id, so);
      }
    }
    const exact = this.#phrases.get(keyOf(question));
    let best: Match | null = null;
    for (const [section, { proof, score, weights }] of found) {
      if (proof < LEAST_SHARE * total || proof < LEAST_PROOF) continue;
      const rank = (score * proof) / total;
      if (rank > (best?.score ?? 0)) best = { section, score: rank, weights };
    }
    if (exact === undefined) return best;
    return { section: exact, score: Number.MAX_SAFE_INTEGER, weights: new Map() };
  }

  /** Spelled otherwise only when nothing is spelled so, and never in the first letter: "father" is not "rather". */
  #hits(term: string): readonly Hit[] {
    const hits = this.#index.search(term) as unknown as Hit[];
    if (hits.length > 0 || term.length < 4) return hits;
    for (let at = 0; at < term.length - 1; at += 1) {
      const swapped = term.slice(0, at) + term.charAt(at + 1) + term.charAt(at) + term.slice(at + 2);
      const meant = this.#index.search(swapped, { prefix: false }) as unknown as Hit[];
      if (meant.length > 0) return meant;
    }
    if (term.length < 5) return hits;
    const similar = this.#index.search(term, { fuzzy: term.length >= 8 ? 2 : 1 }) as unknown as Hit[];
    return similar.flatMap(({ id, score, match }) => {
      const near = Object.entries(match).filter(([other]) => other.startsWith(term.charAt(0)));
      return near.length > 0 ? { id, score, match: Object.fromEntries(near) } : [];
    });
  }

  /** Of a term that stands in `count` sections, by its inverse document frequency. */
  #weight(count: number): number {
    const idf = (n: number): number => Math.log(1 + (this.#size - n + 0.5) / (n + 0.5));
    return idf(count) / idf(0);
  }
}

function proofOf(term: string, match: Hit['match']): number {
  let proof = 0;
  for (const [same, fields] of Object.entries(match)) {
    for (const field of fields as readonly Field[]) {
      proof = Math.max(proof, PROOF[field] * (same === term ? 1 : INEXACT));
    }
  }
  return proof;
}

/** Two ways to ask the same have the same key: what they are about, in any order; all their words where that is nothing. */
function keyOf(phrase: string): string {
  const terms = [...new Set(termsOf(phrase))].sort();
  return (terms.length > 0 ? terms : wordsOf(phrase)).join(' ');
}
