import { VizaviError } from '@vizavi/signaling';
import { EARS_SAMPLE_RATE } from '../../server/src/ears/ears.ts';
import type { Ears, TranscribeOptions } from '../../server/src/ears/ears.ts';

interface Asked {
  readonly samples: number;
  /** Answers. */
  readonly hear: (text: string) => void;
  readonly fail: (error: VizaviError) => void;
  aborted: boolean;
}

/** Less than this is no word. */
const LEAST_SAMPLES = EARS_SAMPLE_RATE / 20;

/** Ears that understand what the test says, when it says so; with `usually` they understand that, at once. */
export class ScriptedEars implements Ears {
  readonly name = 'scripted';
  readonly asked: Asked[] = [];
  readonly #usually: string | null;
  #closed = false;

  constructor(usually: string | null = null) {
    this.#usually = usually;
  }

  transcribe(pcm: Int16Array, { signal }: TranscribeOptions): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked: Asked = { samples: pcm.length, hear: resolve, fail: reject, aborted: false };
      this.asked.push(asked);
      const abort = (): void => {
        asked.aborted = true;
        reject(new VizaviError('interrupted', 'the visitor went on'));
      };
      if (this.#closed) reject(new VizaviError('ears_failed', 'the ears are closed'));
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
      if (pcm.length < LEAST_SAMPLES) resolve('');
      if (this.#usually !== null) setImmediate(resolve, this.#usually);
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
