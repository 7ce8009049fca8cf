import { termsOf } from './terms.ts';

/** One to three sentences, and no more than can be listened to. */
const MOST_SENTENCES = 3;
const MOST_CHARACTERS = 260;
/** The first sentence of a section says what it is about: another one must be this much better. */
const FIRST_BONUS = 0.2;
/** A sentence that begins so leans on the one before it. */
const LEANS =
  /^(?:it|its|they|their|them|this|that|these|those|he|she|there|then|so|but|and|or|both|each|also|otherwise|for example)\b/i;

/**
 * Where in a section's sentences the answer begins.
 * @param weights how much each term of the question counts
 */
export function bestStart(sentences: readonly string[], weights: ReadonlyMap<string, number>): number {
  let best = 0;
  let bestScore = -1;
  for (const [index, sentence] of sentences.entries()) {
    let score = index === 0 ? FIRST_BONUS : 0;
    for (const term of new Set(termsOf(sentence))) score += weights.get(term) ?? 0;
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  while (best > 0 && LEANS.test(sentences[best] ?? '')) best -= 1;
  return best;
}

/** The sentences from `start` on that are said in one go; one at least, if there is one. */
export function passageFrom(sentences: readonly string[], start: number): readonly string[] {
  let length = 0;
  const passage: string[] = [];
  for (const sentence of sentences.slice(start, start + MOST_SENTENCES)) {
    length += sentence.length;
    if (passage.length > 0 && length > MOST_CHARACTERS) break;
    passage.push(sentence);
  }
  return passage;
}
