import type { Clock } from '../clock.ts';
import { retryAfterMs } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';

/** How long an answer may take, and how often it is asked for. */
export interface Patience {
  /** For all tries together. */
  readonly timeoutMs: number;
  /** Tries after the first one, each only after a failure that may pass. */
  readonly retries: number;
}

/** The first pause between two tries; each later one is twice as long. */
const FIRST_PAUSE_MS = 250;

/** One HTTP request. It is closed when its caller's signal aborts, when a wait is too long, or by {@link end}. */
export class Call {
  /** For the request. */
  readonly signal: AbortSignal;
  readonly #outer: AbortSignal;
  readonly #own = new AbortController();
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;

  constructor(endpoint: Endpoint, outer: AbortSignal, clock: Clock) {
    this.signal = AbortSignal.any([outer, this.#own.signal]);
    this.#outer = outer;
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  /** @throws VizaviError when it is stopped, or `work` takes longer than `timeoutMs`; the request is closed then */
  async within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#clock.after(timeoutMs, () => late.reject(this.#endpoint.timeout(timeoutMs)));
    try {
      return await orStopped(Promise.race([work, late.promise]), this.#endpoint, this.#outer);
    } catch (error) {
      this.end();
      throw error;
    } finally {
      cancel();
    }
  }

  end(): void {
    this.#own.abort();
  }
}

/**
 * What `ask` resolves with. It is asked again after a failure that may pass, as long as tries and time are left; a provider
 * that names a time after which to come again is taken at its word.
 *
 * @throws VizaviError when `signal` aborts, with {@link Endpoint.stopped}; else as the endpoint's role says
 */
export async function askPatiently<T>(
  endpoint: Endpoint,
  { timeoutMs, retries }: Patience,
  signal: AbortSignal,
  clock: Clock,
  ask: (call: Call) => Promise<T>,
): Promise<T> {
  const endMs = clock.nowMs() + timeoutMs;
  for (let attempt = 0; ; attempt += 1) {
    if (signal.aborted) throw endpoint.stopped();
    const call = new Call(endpoint, signal, clock);
    try {
      return await call.within(attempt === 0 ? timeoutMs : endMs - clock.nowMs(), ask(call));
    } catch (error) {
      const failure = endpoint.failure(error);
      const pauseMs = retryAfterMs(error, clock.nowMs()) ?? FIRST_PAUSE_MS * 2 ** attempt;
      const mayPass = failure.retryable && failure.code !== 'timeout';
      if (!mayPass || attempt >= retries || clock.nowMs() + pauseMs >= endMs) throw failure;
      await pause(pauseMs, signal, clock);
    }
  }
}

/** @throws VizaviError {@link Endpoint.stopped} as soon as `signal` aborts, whatever `work` does then */
export function orStopped<T>(work: Promise<T>, endpoint: Endpoint, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(endpoint.stopped());
    signal.addEventListener('abort', onAbort);
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
    if (signal.aborted) onAbort();
  });
}

function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
