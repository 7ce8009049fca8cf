import { VizaviError } from '@vizavi/signaling';
import { clauseByClause } from './clause-by-clause.ts';
import { FliteQueue, interrupted } from './flite-queue.ts';
import { findUnspeakable, speakable } from './speakable.ts';
import type { SpeakOptions, SpeechChunk, Voice } from './voice.ts';

const SAMPLE_RATE = 16_000;
/** The wasm's voices at 16 kHz; the first is the default. */
const VOICES = ['slt', 'awb', 'rms', 'kal16'] as const;

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

    const over = new AbortController();
    const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    try {
      yield* clauseByClause({
        text,
        more,
        sampleRate: SAMPLE_RATE,
        spoken: speakable,
        make: (spoken, index) => this.#queue.synthesise(voice, spoken, index === 0, stop),
        check: () => {
          if (stop.aborted) throw interrupted();
        },
      });
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
