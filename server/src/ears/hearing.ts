import { Worker } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import { systemClock } from '../clock.ts';
import type { Cancel, Clock } from '../clock.ts';
import { BLOCK_MS, BLOCK_SAMPLES } from './hearing-messages.ts';
import type { FromHearingThread, HearingThreadData, ToHearingThread } from './hearing-messages.ts';
import { PacketBatch } from './packet-batch.ts';

/** 32 ms of a microphone's sound. */
export interface HeardFrame {
  /** Mono, 512 samples, 16 kHz. */
  readonly pcm: Int16Array;
  /** That it is speech, 0–1. */
  readonly probability: number;
  /** Where it begins in the microphone's own time: 0 for the first frame, then 32 ms each. */
  readonly atMs: number;
}

export interface EarOptions {
  /** In order, without gaps. */
  readonly onFrame: (frame: HeardFrame) => void;
  /** `ears_failed`: sound was lost. The ear hears again as soon as it can. */
  readonly onError: (error: VizaviError) => void;
}

/** One microphone. */
export interface Ear {
  /** Takes an RTP packet of Opus, which is copied. What is none is ignored. */
  packet(rtp: Uint8Array): void;
  /** Frees the decoder. Nothing is told any more. */
  close(): void;
}

export interface HearingOptions {
  /** Without packets for so long, silence takes their place, for at most 2 s. */
  readonly idleAfterMs?: number;
  readonly clock?: Clock;
  readonly threadUrl?: URL;
}

/** More than jitter, less than a pause between words. */
const IDLE_AFTER_MS = 100;
/** A thread that dies before it is ready is not started again at once. */
const RESTART_DELAY_MS = 1000;
/** The thread ends by itself as soon as it has come to the end of a frame. */
const STOP_TIMEOUT_MS = 5000;

interface OpenEar extends EarOptions {
  frames: number;
}

/** The microphones of all sessions: one thread decodes them and tells speech from other sound. */
export class Hearing {
  readonly #ears = new Map<number, OpenEar>();
  readonly #batch = new PacketBatch((message, transfer) => this.#thread?.postMessage(message, transfer));
  readonly #clock: Clock;
  readonly #threadUrl: URL;
  readonly #threadData: HearingThreadData;
  #nextEar = 0;
  #thread: Worker | null = null;
  #ready = Promise.withResolvers<undefined>();
  #restart: Cancel | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: HearingOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#threadUrl = options.threadUrl ?? new URL('./hearing-thread.ts', import.meta.url);
    this.#threadData = { idleAfterMs: options.idleAfterMs ?? IDLE_AFTER_MS };
  }

  /**
   * Starts the thread, which the first ear would do otherwise, and waits until it is ready.
   *
   * @throws VizaviError `ears_failed`
   */
  async warmUp(): Promise<void> {
    this.#start();
    await this.#ready.promise;
  }

  /** @throws VizaviError `ears_failed` once it is closed */
  listen(options: EarOptions): Ear {
    if (this.#closing) throw closed();
    const id = this.#nextEar++;
    this.#ears.set(id, { ...options, frames: 0 });
    if (this.#thread) this.#post({ type: 'open', ear: id });
    else if (!this.#restart) this.#start();
    return {
      packet: (rtp) => {
        if (this.#thread && this.#ears.has(id)) this.#batch.add(id, rtp);
      },
      close: () => {
        if (this.#ears.delete(id)) this.#post({ type: 'close', ear: id });
      },
    };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#restart?.();
    this.#batch.clear();
    this.#ears.clear();
    this.#ready.promise.catch(() => undefined);
    this.#ready.reject(closed());
    const thread = this.#thread;
    this.#thread = null;
    if (!thread) return;
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage({ type: 'stop' } satisfies ToHearingThread);
    const cancel = this.#clock.after(STOP_TIMEOUT_MS, () => void thread.terminate());
    await ended;
    cancel();
  }

  #post(message: ToHearingThread): void {
    this.#thread?.postMessage(message);
  }

  #start(): void {
    if (this.#thread || this.#closing) return;
    this.#restart?.();
    this.#restart = null;
    this.#ready = Promise.withResolvers();
    this.#ready.promise.catch(() => undefined);
    const thread = new Worker(this.#threadUrl, { workerData: this.#threadData });
    this.#thread = thread;
    let wasReady = false;
    let ended = false;
    thread.on('message', (message: FromHearingThread) => {
      if (this.#thread !== thread) return;
      if (message.type === 'ready') {
        wasReady = true;
        this.#ready.resolve(undefined);
      } else this.#take(message);
    });
    const died = (cause: unknown): void => {
      if (ended || this.#thread !== thread) return;
      ended = true;
      this.#thread = null;
      this.#lost(new VizaviError('ears_failed', 'the hearing thread ended', { cause }), wasReady);
    };
    thread.on('error', died);
    thread.on('exit', died);
    for (const ear of this.#ears.keys()) this.#post({ type: 'open', ear });
  }

  #lost(error: VizaviError, wasReady: boolean): void {
    this.#ready.reject(error);
    this.#batch.clear();
    if (this.#ears.size > 0) {
      if (wasReady) this.#start();
      else this.#restart = this.#clock.after(RESTART_DELAY_MS, () => this.#start());
    }
    for (const ear of [...this.#ears.values()]) ear.onError(error);
  }

  #take(message: Exclude<FromHearingThread, { type: 'ready' }>): void {
    const ear = this.#ears.get(message.ear);
    if (!ear) return;
    if (message.type === 'failed') {
      this.#post({ type: 'open', ear: message.ear });
      ear.onError(new VizaviError('ears_failed', `a microphone could not be heard: ${message.message}`));
      return;
    }
    for (const [index, probability] of message.probabilities.entries()) {
      // A frame may close the ear.
      if (!this.#ears.has(message.ear)) return;
      const pcm = message.pcm.subarray(index * BLOCK_SAMPLES, (index + 1) * BLOCK_SAMPLES);
      ear.onFrame({ pcm, probability, atMs: ear.frames++ * BLOCK_MS });
    }
  }
}

function closed(): VizaviError {
  return new VizaviError('ears_failed', 'hearing is closed');
}
