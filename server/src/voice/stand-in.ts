import { openVoice } from './index.ts';
import type { Voice } from './voice.ts';

/** The embedded voice, for when the provider's cannot be had: opened when it is needed first, and then kept. */
export class StandIn {
  readonly #open: () => Promise<Voice>;
  #opening: Promise<Voice> | null = null;
  #closed = false;

  constructor(open: () => Promise<Voice> = () => openVoice({ kind: 'flite' })) {
    this.#open = open;
  }

  /** @throws VizaviError `voice_failed` when it cannot be opened either; the next call tries again */
  async voice(): Promise<Voice> {
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (error) {
      if (!this.#closed) this.#opening = null;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening?.then(
      (voice) => voice.close(),
      () => undefined,
    );
  }
}
