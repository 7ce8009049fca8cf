import { VizaviError } from '@vizavi/signaling';
import type { Piece } from './pcm-source.ts';

export interface AudioSenderOptions {
  readonly sampleRate: number;
  /** @throws VizaviError as the server answers */
  readonly send: (piece: Piece, seq: number) => Promise<unknown>;
  /** How much of this sound was heard already. */
  readonly playedMs: () => number;
  /** Nobody wants the rest. */
  readonly isOver: () => boolean;
}

/** Unanswered pieces: enough for a long way to the server, few enough that an interrupt is not stuck behind them. */
const MAX_IN_FLIGHT = 10;
/** Sound ahead of what is heard; the server refuses 30 s. */
const MAX_LEAD_MS = 10_000;
const POLL_MS = 50;
const RETRY_MS = 250;

/**
 * Sends the pieces of one stream of sound in order, several at a time.
 *
 * @throws VizaviError what the server answered; whatever `pieces` throws, after the stream was closed
 */
export async function sendAudio(pieces: AsyncIterable<Piece>, options: AudioSenderOptions): Promise<void> {
  const { sampleRate, playedMs, isOver } = options;
  const stream = new PieceStream(options);
  let sentMs = 0;
  try {
    for await (const piece of pieces) {
      while (!isOver() && sentMs - playedMs() > MAX_LEAD_MS) await wait(POLL_MS);
      if (isOver() || !(await stream.post(piece))) break;
      sentMs += (piece.samples.length * 1000) / sampleRate;
    }
  } catch (error) {
    if (sentMs > 0 && !isOver()) await stream.post({ samples: new Int16Array(), last: true });
    throw error;
  }
  await stream.settle();
}

/** Pieces on their way. */
class PieceStream {
  readonly #options: AudioSenderOptions;
  readonly #inFlight = new Set<Promise<void>>();
  /** The first piece was accepted; until then the server refuses what follows it, too. */
  #opened: Promise<void> = Promise.resolve();
  #state: 'opening' | 'refused' | 'open' = 'opening';
  #nextSeq = 0;
  #failure: unknown;

  constructor(options: AudioSenderOptions) {
    this.#options = options;
  }

  /** Sends when there is room; false when the stream has failed. */
  async post(piece: Piece): Promise<boolean> {
    // What was refused goes first.
    if (this.#state === 'refused') await Promise.all(this.#inFlight);
    while (this.#inFlight.size >= MAX_IN_FLIGHT) await Promise.race(this.#inFlight);
    if (this.#failure !== undefined) return false;
    const seq = this.#nextSeq++;
    const sending = seq === 0 ? this.#open(piece) : this.#send(piece, seq);
    const settled: Promise<void> = sending
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#inFlight.delete(settled));
    if (seq === 0) this.#opened = settled;
    this.#inFlight.add(settled);
    return true;
  }

  /** @throws VizaviError what the server answered */
  async settle(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure as VizaviError;
  }

  async #open(piece: Piece): Promise<void> {
    const { send, isOver } = this.#options;
    for (;;) {
      try {
        await send(piece, 0);
        this.#state = 'open';
        return;
      } catch (error) {
        // A full queue has room later.
        const isFull = error instanceof VizaviError && error.code === 'too_many_requests';
        if (!isFull || isOver()) throw error;
        this.#state = 'refused';
        await wait(RETRY_MS);
      }
    }
  }

  async #send(piece: Piece, seq: number): Promise<void> {
    const wasOpen = this.#state === 'open';
    try {
      await this.#options.send(piece, seq);
    } catch (error) {
      if (wasOpen) throw error;
      await this.#opened;
      if (this.#state !== 'open') throw error;
      await this.#options.send(piece, seq);
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
