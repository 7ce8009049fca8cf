import { VizaviError } from '@vizavi/signaling';
import type { ErrorCode, NoticeOf, ServerToViewer } from '@vizavi/signaling';
import { Deferred } from './deferred.ts';

/** What became of an utterance. */
export interface Spoken {
  readonly utteranceId: string;
  /** From the command's arrival at the server to the first sound on the wire; null when there was none. */
  readonly latencyMs: number | null;
  /** How much was heard. */
  readonly playedMs: number;
  readonly outcome: 'spoken' | 'interrupted';
}

interface Pending {
  readonly result: Deferred<Spoken>;
  latencyMs: number | null;
  startedMs: number | null;
}

/** Commands whose end is awaited. */
export class Utterances {
  readonly #pending = new Map<string, Pending>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Waits for the end of this utterance. @throws VizaviError why it failed or was refused */
  async outcome(utteranceId: string): Promise<Spoken> {
    const pending: Pending = { result: new Deferred(), latencyMs: null, startedMs: null };
    this.#pending.set(utteranceId, pending);
    try {
      return await pending.result.promise;
    } finally {
      this.#pending.delete(utteranceId);
    }
  }

  isPending(utteranceId: string): boolean {
    return this.#pending.has(utteranceId);
  }

  /** How long it has been spoken for. */
  spokenMs(utteranceId: string): number {
    const startedMs = this.#pending.get(utteranceId)?.startedMs ?? null;
    return startedMs === null ? 0 : this.#nowMs() - startedMs;
  }

  started({ utteranceId, latencyMs }: NoticeOf<ServerToViewer, 'avatar.speak_started'>): void {
    const pending = this.#pending.get(utteranceId);
    if (!pending) return;
    pending.latencyMs = latencyMs;
    pending.startedMs = this.#nowMs();
  }

  ended({ utteranceId, outcome, playedMs, error }: NoticeOf<ServerToViewer, 'avatar.speak_ended'>): void {
    if (outcome === 'failed') {
      this.refuse(
        utteranceId,
        error
          ? new VizaviError(error.code as ErrorCode, error.message, { retryable: error.retryable })
          : new VizaviError('internal', 'it could not be said'),
      );
      return;
    }
    const pending = this.#pending.get(utteranceId);
    pending?.result.resolve({ utteranceId, latencyMs: pending.latencyMs, playedMs, outcome });
  }

  refuse(utteranceId: string, error: unknown): void {
    this.#pending.get(utteranceId)?.result.reject(error);
  }

  /** Ends this one as interrupted, without a word from the server. */
  interrupt(utteranceId: string): void {
    this.ended({ utteranceId, outcome: 'interrupted', playedMs: this.spokenMs(utteranceId), error: null });
  }

  /** Nothing more will be heard of any of them: they failed with `error`, or count as interrupted. */
  close(error: VizaviError | null): void {
    for (const utteranceId of this.#pending.keys()) {
      if (error) this.refuse(utteranceId, error);
      else this.interrupt(utteranceId);
    }
  }
}
