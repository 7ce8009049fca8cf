import { VizaviError } from '@vizavi/signaling';
import { splitClauses } from './clauses.ts';
import type { Clause } from './clauses.ts';
import { FliteQueue, interrupted } from './flite-queue.ts';
import { findUnspeakable, speakable } from './speakable.ts';
import { trimSilence } from './trim-silence.ts';
import type { SpeakOptions, SpeechChunk, Voice } from './voice.ts';

const SAMPLE_RATE = 16_000;
/** The wasm's voices at 16 kHz; the first is the default. */
const VOICES = ['slt', 'awb', 'rms', 'kal16'] as const;
const PAUSE_MS: Readonly<Record<Clause['pause'], number>> = { sentence: 260, clause: 110, none: 0 };

/** Flite (Carnegie Mellon University) as WebAssembly in a thread of its own. Speeches take turns, clause by clause. */
export class FliteVoice implements Voice {
  readonly sampleRate = SAMPLE_RATE;
  readonly voices: readonly string[] = VOICES;
  readonly #queue = new FliteQueue();

  async *speak(text: string, options: SpeakOptions = {}): AsyncGenerator<SpeechChunk, void, undefined> {
    const { voice = VOICES[0], signal, onSkipped, more = false } = options;
    if (!this.voices.includes(voice)) throw new VizaviError('invalid_text', `there is no voice ${voice}`);
    if (signal?.aborted) throw interrupted();
    for (const skipped of findUnspeakable(text)) onSkipped?.(skipped);

    const clauses = splitClauses(text)
      .map((clause) => ({ ...clause, spoken: speakable(text.slice(clause.start, clause.end)) }))
      .filter(({ spoken }) => spoken !== '');
    const over = new AbortController();
    const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    const make = (index: number): Promise<Int16Array> | undefined => {
      const made = clauses[index] && this.#queue.synthesise(voice, clauses[index].spoken, index === 0, stop);
      // Awaited one step later, or never when the speech is dropped.
      made?.catch(() => undefined);
      return made;
    };

    try {
      let ahead = make(0);
      let startMs = 0;
      for (const [index, { start, end, pause }] of clauses.entries()) {
        const raw = (await ahead) ?? new Int16Array(0);
        ahead = make(index + 1);
        const pcm = trimSilence(raw, SAMPLE_RATE, ahead || more ? PAUSE_MS[pause] : 0);
        if (pcm.length === 0) continue;
        const durationMs = (pcm.length * 1000) / SAMPLE_RATE;
        yield { pcm, text: text.slice(start, end), textStart: start, textEnd: end, startMs, durationMs };
        if (stop.aborted) throw interrupted();
        startMs += durationMs;
      }
    } finally {
      over.abort();
    }
  }

  /** Compiles the voice and speaks a word to nobody, so that the first real one is quick. */
  async warmUp(): Promise<void> {
    for (const text of ['Hello.', 'Nice to meet you.']) {
      await this.#queue.synthesise(VOICES[0], text, true, new AbortController().signal);
    }
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
