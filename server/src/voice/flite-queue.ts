import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';

export interface FliteRequest {
  readonly id: number;
  readonly voice: string;
  /** Printable ASCII. */
  readonly text: string;
}
export type FliteReply =
  | { readonly id: number; readonly pcm: Int16Array<ArrayBuffer> }
  | { readonly id: number; readonly error: string };
/** Where the thread may put its files; its owner removes the folder. */
export interface FliteThreadData {
  readonly folder: string;
}

interface Job extends FliteRequest {
  readonly urgent: boolean;
  readonly resolve: (pcm: Int16Array) => void;
  readonly reject: (error: VizaviError) => void;
}

/** One clause at a time for the synthesis thread. A thread that dies fails its clause alone; the next one starts another. */
export class FliteQueue {
  readonly #folder = mkdtempSync(join(tmpdir(), 'vizavi-voice-'));
  readonly #threadUrl: URL;
  #thread: Worker | null;
  #waiting: Job[] = [];
  #running: Job | null = null;
  #nextId = 0;
  #closing: Promise<void> | null = null;

  constructor(threadUrl = new URL('./flite-thread.ts', import.meta.url)) {
    this.#threadUrl = threadUrl;
    this.#thread = this.#start();
  }

  /**
   * @param urgent goes before all that is not: somebody waits for the first sound, later clauses are made ahead.
   * @returns mono PCM with the silence that flite puts around it
   * @throws VizaviError `interrupted` once `signal` aborts, `voice_failed`
   */
  async synthesise(voice: string, text: string, urgent: boolean, signal: AbortSignal): Promise<Int16Array> {
    if (signal.aborted) throw interrupted();
    if (this.#closing) throw new VizaviError('voice_failed', 'the voice is closed');
    const { promise, resolve, reject } = Promise.withResolvers<Int16Array>();
    const job: Job = { id: this.#nextId++, voice, text, urgent, resolve, reject };
    const onAbort = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== job);
      reject(interrupted());
    };
    signal.addEventListener('abort', onAbort);
    this.#waiting.push(job);
    this.#next();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    for (const job of [...this.#waiting.splice(0), ...(this.#running ? [this.#running] : [])]) {
      job.reject(new VizaviError('voice_failed', 'the voice is closed'));
    }
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #next(): void {
    if (this.#running) return;
    const index = Math.max(
      0,
      this.#waiting.findIndex(({ urgent }) => urgent),
    );
    const [job] = this.#waiting.splice(index, 1);
    if (!job) return;
    this.#running = job;
    this.#thread ??= this.#start();
    this.#thread.postMessage({ id: job.id, voice: job.voice, text: job.text } satisfies FliteRequest);
  }

  #start(): Worker {
    const thread = new Worker(this.#threadUrl, {
      workerData: { folder: this.#folder } satisfies FliteThreadData,
      // node:wasi is marked experimental; the warning would be the first thing that a user sees.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    thread.on('message', (reply: FliteReply) => {
      const job = this.#running;
      if (job?.id !== reply.id) return;
      this.#running = null;
      if ('pcm' in reply) job.resolve(reply.pcm);
      else job.reject(new VizaviError('voice_failed', `speech synthesis failed: ${reply.error}`));
      this.#next();
    });
    const died = (cause: unknown): void => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      this.#running?.reject(new VizaviError('voice_failed', 'the speech thread ended', { cause }));
      this.#running = null;
      this.#next();
    };
    thread.on('error', died);
    thread.on('exit', died);
    return thread;
  }
}

export function interrupted(): VizaviError {
  return new VizaviError('interrupted', 'the speech was interrupted');
}
