import { randomUUID } from 'node:crypto';
import { VizaviError } from '@vizavi/signaling';
import type { SessionEvent } from '@vizavi/signaling';
import type { ToolCall } from '../brain/brain.ts';
import type { Cancel, Clock } from '../clock.ts';

/** How long a page has to do what it is asked. */
const TOOL_TIMEOUT_MS = 10_000;
const MAX_PENDING = 16;

interface Pending {
  readonly settle: PromiseWithResolvers<string>;
  readonly cancel: Cancel;
}

/** Calls of the page's tools that wait for an answer. */
export class PageTools {
  readonly #clock: Clock;
  readonly #emit: (event: SessionEvent) => void;
  readonly #pending = new Map<string, Pending>();

  constructor(clock: Clock, emit: (event: SessionEvent) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** @throws VizaviError `timeout`, `interrupted`, `too_many_requests`, and `unavailable` with what the page says */
  async call(replyId: string, call: ToolCall, signal: AbortSignal): Promise<string> {
    if (this.#pending.size >= MAX_PENDING) throw new VizaviError('too_many_requests', 'the page is busy');
    if (signal.aborted) throw new VizaviError('interrupted', 'nobody waits for it any more');
    const callId = randomUUID();
    const settle = Promise.withResolvers<string>();
    const cancel = this.#clock.after(TOOL_TIMEOUT_MS, () => {
      settle.reject(new VizaviError('timeout', `the page did not do ${call.name} in time`));
    });
    const abort = (): void => {
      settle.reject(new VizaviError('interrupted', 'nobody waits for it any more'));
    };
    signal.addEventListener('abort', abort);
    this.#pending.set(callId, { settle, cancel });
    this.#emit({
      type: 'tool.called',
      body: { callId, replyId, name: call.name, arguments: call.arguments },
    });
    try {
      return await settle.promise;
    } finally {
      cancel();
      signal.removeEventListener('abort', abort);
      this.#pending.delete(callId);
    }
  }

  /** The page's answer. One that comes twice, or too late, changes nothing. */
  answer(callId: string, result: string, failed: boolean): void {
    const { settle } = this.#pending.get(callId) ?? {};
    if (failed) settle?.reject(new VizaviError('unavailable', result === '' ? 'the page could not' : result));
    else settle?.resolve(result);
  }
}
