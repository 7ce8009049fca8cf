import { Worker } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import { splitClauses } from './clauses.ts';
import type { Clause } from './clauses.ts';
import { speakable } from './speakable.ts';
import { trimSilence } from './trim-silence.ts';
import type { SpeakOptions, SpeechChunk, Voice } from './voice.ts';

export interface FliteRequest {
  readonly id: number;
  readonly voice: string;
  readonly text: string;
}
export type FliteReply =
  | { readonly id: number; readonly pcm: Int16Array }
  | { readonly id: number; readonly error: string };

interface Job extends FliteRequest {
  readonly resolve: (pcm: Int16Array) => void;
  readonly reject: (error: VizaviError) => void;
}

const SAMPLE_RATE = 16_000;
/** The wasm's voices at 16 kHz; the first is the default. */
const VOICES = ['slt', 'awb', 'rms', 'kal16'] as const;
const PAUSE_MS: Readonly<Record<Clause['pause'], number>> = { sentence: 260, clause: 110, none: 0 };

/**
 * Flite (Carnegie Mellon University) as WebAssembly in a worker thread of its own. Speeches take turns, clause by clause.
 */
export class FliteVoice implements Voice {
  readonly sampleRate = SAMPLE_RATE;
  readonly voices: readonly string[] = VOICES;
  #thread: Worker | null = null;
  #waiting: Job[] = [];
  #running: Job | null = null;
  #nextId = 0;
  #closed = false;

  async *speak(text: string, options: SpeakOptions = {}): AsyncGenerator<SpeechChunk, void, undefined> {
    const { voice = VOICES[0], signal, onSkipped } = options;
    if (!this.voices.includes(voice)) throw new VizaviError('invalid_text', `there is no voice ${voice}`);
    const prepared = splitClauses(text).flatMap((clause, index, all) => {
      const said = speakable(text.slice(clause.start, clause.end));
      for (const skip of said.skipped) {
        onSkipped?.({
          text: skip.text,
          textStart: clause.start + skip.textStart,
          textEnd: clause.start + skip.textEnd,
        });
      }
      const pauseMs = index === all.length - 1 ? 0 : PAUSE_MS[clause.pause];
      return said.spoken ? [{ clause, pauseMs, spoken: said.spoken }] : [];
    });
    const make = (index: number): Promise<Int16Array> | null => {
      const next = prepared[index];
      const made = next ? this.#synthesise(voice, next.spoken, signal) : null;
      // Awaited below, or never when the speech is dropped.
      made?.catch(() => undefined);
      return made;
    };
    let startMs = 0;
    let ahead = make(0);
    for (const [index, { clause, pauseMs }] of prepared.entries()) {
      const raw = await ahead;
      throwIfAborted(signal);
      ahead = make(index + 1);
      const pcm = trimSilence(raw ?? new Int16Array(0), SAMPLE_RATE, pauseMs);
      if (pcm.length === 0) continue;
      const durationMs = (pcm.length * 1000) / SAMPLE_RATE;
      yield {
        pcm,
        text: text.slice(clause.start, clause.end),
        textStart: clause.start,
        textEnd: clause.end,
        startMs,
        durationMs,
      };
      throwIfAborted(signal);
      startMs += durationMs;
    }
  }

  /** Compiles the voice and speaks a word to nobody, so that the first real one is quick. */
  async warmUp(): Promise<void> {
    for (const text of ['Hello.', 'Nice to meet you.']) await this.#synthesise(VOICES[0], text, undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#fail(new VizaviError('voice_failed', 'the voice is closed'));
    const thread = this.#thread;
    this.#thread = null;
    if (!thread) return;
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage('close');
    await ended;
  }

  #synthesise(voice: string, text: string, signal: AbortSignal | undefined): Promise<Int16Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new VizaviError('voice_failed', 'the voice is closed'));
        return;
      }
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== job);
        job.reject(interrupted());
      };
      const job: Job = {
        id: this.#nextId++,
        voice,
        text,
        resolve: (pcm) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(pcm);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#waiting.push(job);
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) return;
    const job = this.#waiting.shift();
    if (!job) return;
    this.#running = job;
    this.#thread ??= this.#start();
    this.#thread.postMessage({ id: job.id, voice: job.voice, text: job.text } satisfies FliteRequest);
  }

  #start(): Worker {
    const thread = new Worker(new URL('./flite-thread.ts', import.meta.url), {
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
      const job = this.#running;
      this.#running = null;
      job?.reject(new VizaviError('voice_failed', 'the speech thread ended', { cause }));
      this.#next();
    };
    thread.on('error', died);
    thread.on('exit', died);
    return thread;
  }

  #fail(error: VizaviError): void {
    for (const job of [...this.#waiting.splice(0), ...(this.#running ? [this.#running] : [])]) job.reject(error);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted();
}

function interrupted(): VizaviError {
  return new VizaviError('interrupted', 'the speech was interrupted');
}
