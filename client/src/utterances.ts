import { VizaviError } from '@vizavi/signaling';
import type { SessionEvent } from '@vizavi/signaling';

/** How an utterance went. */
export interface Spoken {
  readonly utteranceId: string;
  readonly outcome: 'spoken' | 'interrupted';
  /** From the server's receipt of the command to the first sound on the wire; null when nothing was said. */
  readonly latencyMs: number | null;
  /** How much was heard. */
  readonly playedMs: number;
}

interface Pending {
  latencyMs: number | null;
  resolve(spoken: Spoken): void;
  reject(error: VizaviError): void;
}

/** Utterances that have been asked for and not ended. */
export class Utterances {
  readonly #pending = new Map<string, Pending>();

  /** The promise of its end. */
  add(utteranceId: string): Promise<Spoken> {
    return new Promise((resolve, reject) => {
      this.#pending.set(utteranceId, { latencyMs: null, resolve, reject });
    });
  }

  onEvent(event: SessionEvent): void {
    if (event.type === 'avatar.speak_started') {
      const pending = this.#pending.get(event.body.utteranceId);
      if (pending) pending.latencyMs = event.body.latencyMs;
    }
    if (event.type !== 'avatar.speak_ended') return;
    const { utteranceId, outcome, playedMs, error } = event.body;
    const pending = this.#take(utteranceId);
    if (!pending) return;
    if (outcome === 'failed') {
      pending.reject(new VizaviError('voice_failed', error?.message ?? 'this could not be said'));
    } else pending.resolve({ utteranceId, outcome, latencyMs: pending.latencyMs, playedMs });
  }

  fail(utteranceId: string, error: VizaviError): void {
    this.#take(utteranceId)?.reject(error);
  }

  /** The session is over: what was not said is interrupted. */
  close(): void {
    for (const [utteranceId, pending] of this.#pending) {
      pending.resolve({ utteranceId, outcome: 'interrupted', latencyMs: pending.latencyMs, playedMs: 0 });
    }
    this.#pending.clear();
  }

  #take(utteranceId: string): Pending | undefined {
    const pending = this.#pending.get(utteranceId);
    this.#pending.delete(utteranceId);
    return pending;
  }
}
