import { APIConnectionError, APIError } from 'openai';
import { beforeEach, describe, expect, it } from 'vitest';
import { askPatiently } from '../../../../server/src/openai/call.ts';
import type { Call } from '../../../../server/src/openai/call.ts';
import { Endpoint } from '../../../../server/src/openai/endpoint.ts';
import { ManualClock, settle } from '../../../support/manual-clock.ts';

const FOREVER = new Promise<never>(() => undefined);

describe('askPatiently', () => {
  let clock: ManualClock;
  let calls: Call[];
  let endpoint: Endpoint;
  beforeEach(() => {
    clock = new ManualClock();
    calls = [];
    endpoint = new Endpoint(
      { baseUrl: 'http://127.0.0.1:1/v1', apiKey: null },
      { what: 'the model', failed: 'brain_failed', timedOut: 'timeout' },
    );
  });

  /** Each answer is what one try gives. */
  const ask = (...answers: readonly Promise<string>[]): Promise<string> => {
    for (const answer of answers) answer.catch(() => undefined);
    const waiting = [...answers];
    const asked = askPatiently(endpoint, { timeoutMs: 10_000, retries: 2 }, abort.signal, clock, (call) => {
      calls.push(call);
      return waiting.shift() ?? FOREVER;
    });
    asked.catch(() => undefined);
    return asked;
  };
  let abort: AbortController;
  beforeEach(() => {
    abort = new AbortController();
  });
  const refused = (status: number, headers: Record<string, string> = {}): Promise<never> =>
    Promise.reject(new APIError(status, { message: 'no' }, undefined, new Headers(headers)));

  it('waits twice as long before the next try, and gives up after the last', async () => {
    const asked = ask(refused(500), refused(503), refused(502));
    await settle();
    expect(calls).toHaveLength(1);
    await clock.advance(250);
    expect(calls).toHaveLength(2);
    await clock.advance(499);
    expect(calls).toHaveLength(2);
    await clock.advance(1);
    expect(calls).toHaveLength(3);
    await expect(asked).rejects.toMatchObject({ code: 'brain_failed', message: 'the model answered 502 no' });
  });

  it.each([
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after-ms': '40' }, 40],
  ])('waits as long as the provider asks: %o', async (headers, waitMs) => {
    const asked = ask(refused(429, headers), Promise.resolve('yes'));
    await settle();
    await clock.advance(waitMs - 1);
    expect(calls).toHaveLength(1);
    await clock.advance(1);
    expect(await asked).toBe('yes');
  });

  it('takes a date, too', async () => {
    const at = new Date(clock.nowMs() + 5000).toUTCString();
    const asked = ask(refused(503, { 'retry-after': at }), Promise.resolve('yes'));
    await settle();
    await clock.advance(5000);
    expect(await asked).toBe('yes');
  });

  it('tries again when there was no connection, and not when the request was wrong', async () => {
    const asked = ask(Promise.reject(new APIConnectionError({})), Promise.resolve('yes'));
    await settle();
    await clock.advance(250);
    expect(await asked).toBe('yes');
    await expect(ask(refused(422))).rejects.toMatchObject({ code: 'brain_failed', retryable: false });
  });

  it('counts the time of all tries, and closes the one that it gives up', async () => {
    const asked = ask(refused(500));
    await settle();
    await clock.advance(9999);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    await clock.advance(1);
    await expect(asked).rejects.toMatchObject({ code: 'timeout' });
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });

  it('is interrupted while it waits for the next try', async () => {
    const asked = ask(refused(429, { 'retry-after': '9' }));
    await settle();
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
    expect(calls).toHaveLength(1);
  });

  it('does not say that it was interrupted when it was closed', async () => {
    const asked = askPatiently(
      endpoint,
      { timeoutMs: 10_000, retries: 0 },
      endpoint.stopping(abort.signal),
      clock,
      () => FOREVER,
    );
    endpoint.close();
    await expect(asked).rejects.toMatchObject({ code: 'brain_failed', message: 'the model is closed' });
  });
});
