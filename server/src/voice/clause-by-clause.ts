import { splitClauses } from './clauses.ts';
import type { Clause } from './clauses.ts';
import { trimSilence } from './trim-silence.ts';
import type { SpeechChunk } from './voice.ts';

const PAUSE_MS: Readonly<Record<Clause['pause'], number>> = { sentence: 260, clause: 110, none: 0 };

export interface Reading {
  readonly text: string;
  /** More text follows: its last clause ends with a pause, as the others do. */
  readonly more: boolean;
  /** Of the voice, Hz. */
  readonly sampleRate: number;
  /** How a piece of the text is put before the voice; empty: nothing of it can be said. */
  readonly spoken: (piece: string) => string;
  /** The sound of a clause; `index` counts those that can be said. */
  readonly make: (spoken: string, index: number) => Promise<Int16Array>;
  /** Called between two clauses; throws to end it. */
  readonly check: () => void;
}

/** Reads a text to somebody at their pace: each clause is made while the one before is heard, never more than one ahead. */
export async function* clauseByClause(reading: Reading): AsyncGenerator<SpeechChunk, void, undefined> {
  const { text, more, sampleRate, spoken, make, check } = reading;
  const clauses = splitClauses(text)
    .map((clause) => ({ ...clause, spoken: spoken(text.slice(clause.start, clause.end)) }))
    .filter((clause) => clause.spoken !== '');
  const begin = (index: number): Promise<Int16Array> | undefined => {
    const made = clauses[index] && make(clauses[index].spoken, index);
    // Awaited one step later, or never when the speech is dropped.
    made?.catch(() => undefined);
    return made;
  };

  let ahead = begin(0);
  let startMs = 0;
  for (const [index, { start, end, pause }] of clauses.entries()) {
    const raw = (await ahead) ?? new Int16Array(0);
    ahead = begin(index + 1);
    const pcm = trimSilence(raw, sampleRate, ahead || more ? PAUSE_MS[pause] : 0);
    if (pcm.length === 0) continue;
    const durationMs = (pcm.length * 1000) / sampleRate;
    yield { pcm, text: text.slice(start, end), textStart: start, textEnd: end, startMs, durationMs };
    check();
    startMs += durationMs;
  }
}
