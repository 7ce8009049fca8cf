import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { VizaviError } from '@vizavi/signaling';
import { z } from 'zod';
import type { Log } from './log.ts';

export interface SupervisorOptions {
  /** The worker's program, for this Node. */
  readonly scriptPath: string;
  /** Added to this process's environment; undefined takes a variable away. Asked at each start. */
  readonly env: () => Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** The worker died and is about to be started again. */
  readonly onRestart: () => void;
  /** It cannot run here, and never will without a change by a person. */
  readonly onGiveUp: (error: VizaviError) => void;
  readonly firstDelayMs?: number;
  readonly killAfterMs?: number;
}

/** sysexits.h EX_CONFIG: starting again would fail in the same way. */
const EXIT_CONFIG = 78;
/** How a worker says on its standard error why it ends. */
const FATAL_LINE = /^vizavi-gpu: (.*)$/;
const MAX_DELAY_MS = 5000;
/** Encoders run on libuv's pool, whose size is fixed before a process starts; four threads are libuv's own choice. */
const POOL_THREADS = String(Math.max(4, availableParallelism()));
/** A worker that has lived so long is not one of a series that cannot start. */
const HEALTHY_MS = 10_000;

/** Keeps one GPU worker process running on this machine. */
export class WorkerSupervisor {
  readonly #options: SupervisorOptions;
  readonly #stopped = new AbortController();
  #child: ChildProcess | null = null;
  #run: Promise<void> | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Null between two lives. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    this.#run ??= this.#keepRunning();
  }

  /** Asks the worker to end, and after five seconds makes it. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const child = this.#child;
    child?.kill('SIGTERM');
    const timer = setTimeout(() => child?.kill('SIGKILL'), this.#options.killAfterMs ?? 5000);
    await this.#run;
    clearTimeout(timer);
  }

  async #keepRunning(): Promise<void> {
    const { log, onRestart, onGiveUp, firstDelayMs = 100 } = this.#options;
    const { signal } = this.#stopped;
    let delayMs = firstDelayMs;
    for (;;) {
      const startMs = performance.now();
      const { cause, code, lastWords } = await this.#live();
      if (signal.aborted) return;
      if (code === EXIT_CONFIG) {
        onGiveUp(new VizaviError('invalid_config', lastWords));
        return;
      }
      if (performance.now() - startMs >= HEALTHY_MS) delayMs = firstDelayMs;
      log.error({ cause, delayMs, lastWords }, 'the GPU worker died; starting it again');
      onRestart();
      const stopped = await sleep(delayMs, false, { signal }).catch(() => true);
      if (stopped) return;
      delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
    }
  }

  /** One life, from start to exit. */
  async #live(): Promise<{ code: number | null; cause: string; lastWords: string }> {
    const { scriptPath, env, log } = this.#options;
    let lastWords = '';
    const child = spawn(process.execPath, [scriptPath], {
      env: { UV_THREADPOOL_SIZE: POOL_THREADS, ...process.env, ...env(), VIZAVI_SUPERVISED: '1' },
      // The worker watches its standard input: however this process ends, the pipe closes.
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C at a terminal reaches a whole process group; the worker is to outlive the draining of its sessions.
      detached: process.platform !== 'win32',
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    forward(child.stdout, (line) => {
      logLine(log, line);
    });
    forward(child.stderr, (line) => {
      const fatal = FATAL_LINE.exec(line)?.[1];
      lastWords = fatal ?? line;
      // What it dies of is told together with its death.
      if (fatal === undefined) log.warn({ from: 'worker' }, line);
    });
    try {
      // 'close' comes after 'exit', when the last line has been read.
      const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      return { code, cause: signal ?? `exit code ${code}`, lastWords };
    } catch (error) {
      return { code: null, cause: (error as Error).message, lastWords };
    } finally {
      this.#child = null;
    }
  }
}

function forward(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream }).on('line', (line) => {
    if (line !== '') take(line);
  });
}

const logEntry = z.looseObject({ level: z.number(), time: z.number(), msg: z.string().default('') });

/** A line of the worker's log, which is JSON at pino's levels, into this one. */
function logLine(log: Log, line: string): void {
  const entry = logEntry.safeParse(parseJson(line));
  if (!entry.success) {
    log.info({ from: 'worker' }, line);
    return;
  }
  const { level, msg, ...fields } = entry.data;
  const name = log.levels.labels[level] ?? 'info';
  log[name as 'info']({ from: 'worker', ...fields, time: undefined }, msg);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
