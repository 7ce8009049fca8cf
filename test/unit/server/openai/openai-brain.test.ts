import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Tool, ToolCall } from '../../../../server/src/brain/brain.ts';
import { OpenAiBrain } from '../../../../server/src/brain/openai-brain.ts';
import { answer, request } from '../../../contract/brain.contract.ts';
import { OpenAiServer } from '../../../support/openai-server.ts';

const KEY = 'sk-secret-0123456789';
const OPEN: Tool = {
  name: 'open_product',
  description: 'Opens a product',
  parameters: { type: 'object', properties: { id: { type: 'number' } } },
};
interface Message {
  readonly role: string;
  readonly content: string | null;
}

describe('OpenAiBrain', () => {
  let server: OpenAiServer;
  let brain: OpenAiBrain;
  beforeAll(async () => {
    server = await OpenAiServer.open();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    brain = open();
    server.script();
  });
  afterEach(() => brain.close());

  const open = (over: object = {}): OpenAiBrain =>
    new OpenAiBrain({
      baseUrl: server.baseUrl,
      apiKey: KEY,
      model: 'tiny',
      timeoutMs: 5000,
      stallMs: 5000,
      ...over,
    });
  const messages = (call: number): readonly Message[] => server.asked[call]?.body['messages'] as Message[];

  it('sends who it is, the conversation and the key', async () => {
    const history = [
      { role: 'visitor', text: 'Hi' },
      { role: 'avatar', text: 'Hello!' },
      { role: 'visitor', text: 'What now?' },
    ] as const;
    expect(await answer(brain, request({ history, instructions: 'You are Mira.' }))).toBe('Hello there.');
    expect(server.asked[0]).toMatchObject({
      path: '/v1/chat/completions',
      authorization: `Bearer ${KEY}`,
      body: { model: 'tiny', stream: true },
    });
    const [system, ...rest] = messages(0);
    expect(system?.role).toBe('system');
    expect(system?.content).toMatch(/^You are Mira\.\n\n[^]*You are an AI/);
    expect(rest).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello!' },
      { role: 'user', content: 'What now?' },
    ]);
  });

  it('sends no key where there is none', async () => {
    await answer(open({ apiKey: null }));
    expect(server.asked[0]?.authorization).toBeUndefined();
  });

  it('sends the latest of a conversation that has grown too long, and always the question', async () => {
    const history = Array.from({ length: 400 }, (_, index) => {
      return { role: 'visitor' as const, text: `${index} ${'word '.repeat(100)}` };
    });
    await answer(brain, request({ history: [...history, { role: 'visitor', text: 'And now?' }] }));
    expect(messages(0).at(-1)?.content).toBe('And now?');
    expect(messages(0).at(-2)?.content).toMatch(/^399 /);
    expect(messages(0).length).toBeLessThan(60);
  });

  it('hands pieces on as they come, without markup', async () => {
    server.script({ pieces: ['**Yes**, ', 'it `is`.'], trouble: { after: 2, kind: 'stall' } });
    const reply = brain.reply(request());
    expect((await reply.next()).value).toBe('Yes, ');
    expect((await reply.next()).value).toBe('it is.');
    await reply.return();
    expect(await server.asked[0]?.left).toBe(true);
  });

  it('closes the request as soon as it is interrupted', async () => {
    server.script({ pieces: ['One. '], trouble: { after: 1, kind: 'stall' } });
    const abort = new AbortController();
    const reply = brain.reply(request({ signal: abort.signal }));
    await reply.next();
    const next = reply.next();
    abort.abort();
    await expect(next).rejects.toMatchObject({ code: 'interrupted' });
    expect(await server.asked[0]?.left).toBe(true);
  });

  it('closes the request when it is interrupted before the first piece, and when it is closed', async () => {
    server.script({ delayMs: 20_000 }, { delayMs: 20_000 });
    const abort = new AbortController();
    const replies = [answer(brain, request({ signal: abort.signal })), answer(brain)] as const;
    replies[1].catch(() => undefined);
    await expect.poll(() => server.asked.length).toBe(2);
    abort.abort();
    await expect(replies[0]).rejects.toMatchObject({ code: 'interrupted' });
    await brain.close();
    await expect(replies[1]).rejects.toMatchObject({ code: 'brain_failed' });
    expect(await Promise.all(server.asked.map(({ left }) => left))).toEqual([true, true]);
  });

  describe('with tools', () => {
    it('has them called and goes on with what they gave', async () => {
      server.script(
        { pieces: ['Let me look.'], tools: [{ name: 'open_product', arguments: '{"id": 7}' }] },
        { pieces: ['It is open.'] },
      );
      const called: ToolCall[] = [];
      const callTool = (call: ToolCall): Promise<string> => {
        called.push(call);
        return Promise.resolve('opened');
      };
      expect(await answer(brain, request({ tools: [OPEN], callTool }))).toBe('Let me look. It is open.');
      expect(called).toEqual([{ name: 'open_product', arguments: { id: 7 } }]);
      expect(server.asked[0]?.body['tools']).toEqual([{ type: 'function', function: OPEN }]);
      expect(messages(1).slice(-2)).toMatchObject([
        {
          role: 'assistant',
          content: 'Let me look.',
          tool_calls: [{ function: { arguments: '{"id": 7}' } }],
        },
        { role: 'tool', content: 'opened' },
      ]);
    });

    it.each([
      ['the page does not answer', 'open_product', '{}', /^Failed: .*/],
      ['there is no such tool', 'buy', '{}', /^Failed: there is no tool buy/],
      ['the arguments are no JSON', 'open_product', '{"id"', /^Failed: the arguments/],
      ['the arguments are no object', 'open_product', '[1]', /^Failed: the arguments/],
    ])('tells the model when %s, and goes on', async (_, name, json, told) => {
      server.script({ pieces: [], tools: [{ name, arguments: json }] }, { pieces: ['I cannot.'] });
      expect(await answer(brain, request({ tools: [OPEN] }))).toBe('I cannot.');
      expect(messages(1).at(-1)?.content).toMatch(told);
    });

    it('makes a model speak that only calls', async () => {
      const calling = { pieces: [], tools: [{ name: 'open_product', arguments: '{}' }] };
      server.script(calling, calling, calling, calling, { pieces: ['Done.'] });
      const callTool = (): Promise<string> => Promise.resolve('opened');
      expect(await answer(brain, request({ tools: [OPEN], callTool }))).toBe('Done.');
      expect(server.asked.map(({ body }) => body['tool_choice'])).toEqual([
        'auto',
        'auto',
        'auto',
        'auto',
        'none',
      ]);
    });

    it('does not wait for a tool when it is interrupted', async () => {
      server.script({ pieces: [], tools: [{ name: 'open_product', arguments: '{}' }] });
      const abort = new AbortController();
      const callTool = (): Promise<string> => {
        abort.abort();
        return new Promise(() => undefined);
      };
      const reply = answer(brain, request({ tools: [OPEN], callTool, signal: abort.signal }));
      await expect(reply).rejects.toMatchObject({ code: 'interrupted' });
    });
  });

  describe('when the provider fails', () => {
    it.each([
      [401, `Incorrect API key provided: ${KEY}.`, false],
      [400, 'The model is unknown', false],
      [429, 'Slow down', true],
      [500, 'Something broke', true],
    ])('says what it answered with %i, without the key', async (status, message, retryable) => {
      server.usually({ status, message });
      const failure = await answer(open({ retries: 1 })).catch((error: unknown) => error);
      server.usually({});
      expect(failure).toMatchObject({ code: 'brain_failed', retryable });
      expect(String(failure)).toContain(`${status} ${message.split(':')[0] ?? ''}`);
      expect(JSON.stringify([failure, String(failure), (failure as Error).cause])).not.toContain('secret');
      expect(server.asked).toHaveLength(retryable ? 2 : 1);
    });

    it.each([
      ['an error that passes', { status: 503 }],
      ['a cut before the first word', { pieces: [], trouble: { after: 0, kind: 'cut' } }],
      ['a limit that names a time', { status: 429, retryAfterSec: 0.01 }],
    ] as const)('asks again after %s', async (_, behaviour) => {
      server.script(behaviour);
      expect(await answer(brain)).toBe('Hello there.');
      expect(server.asked).toHaveLength(2);
    });

    it('does not wait longer than it may for a provider that wants to be left alone', async () => {
      server.script({ status: 429, retryAfterSec: 60, message: 'Slow down' });
      await expect(answer(brain)).rejects.toMatchObject({ code: 'brain_failed', retryable: true });
      expect(server.asked).toHaveLength(1);
    });

    it.each(['cut', 'end', 'garbage'] as const)(
      'keeps what was said before a %s in mid-sentence, and does not begin again',
      async (kind) => {
        server.script({ pieces: ['One', ' two'], trouble: { after: 2, kind } });
        let text = '';
        const reply = (async () => {
          for await (const piece of brain.reply(request())) text += piece;
        })();
        await expect(reply).rejects.toMatchObject({ code: 'brain_failed' });
        expect('One two'.startsWith(text)).toBe(true);
        expect(server.asked).toHaveLength(1);
      },
    );

    it('gives up a stream that stalls, and closes it', async () => {
      server.script({ pieces: ['One'], trouble: { after: 1, kind: 'stall' } });
      await expect(answer(open({ stallMs: 50 }))).rejects.toMatchObject({ code: 'timeout' });
      expect(await server.asked[0]?.left).toBe(true);
    });

    it('gives up when no first piece comes, and closes the request', async () => {
      server.script({ delayMs: 20_000 });
      await expect(answer(open({ timeoutMs: 50 }))).rejects.toMatchObject({ code: 'timeout' });
      expect(await server.asked[0]?.left).toBe(true);
    });

    it.each([
      ['a page', { type: 'text/html', content: '<html>Welcome</html>' }],
      ['other JSON', { type: 'text/event-stream', content: 'data: {"choices": 5}\n\n' }],
      [
        'an error in the stream',
        { type: 'text/event-stream', content: 'data: {"error": {"message": "no"}}\n\n' },
      ],
      ['nothing', { type: 'text/event-stream', content: '' }],
    ])('fails on %s in place of an answer', async (_, body) => {
      server.script({ body }, { body }, { body });
      await expect(answer(brain)).rejects.toMatchObject({ code: 'brain_failed' });
    });

    it('fails when the model says nothing at all', async () => {
      server.script({ pieces: [] });
      await expect(answer(brain)).rejects.toMatchObject({ code: 'brain_failed' });
    });

    it('names the host that cannot be reached', async () => {
      const gone = await OpenAiServer.open();
      const { baseUrl } = gone;
      await gone.close();
      await expect(answer(open({ baseUrl, retries: 0 }))).rejects.toMatchObject({
        code: 'brain_failed',
        message: expect.stringMatching(/127\.0\.0\.1:\d+: ECONNREFUSED/) as string,
      });
    });

    it('ends a reply that does not', async () => {
      server.script({ pieces: Array.from({ length: 5000 }, () => 'and so on ') });
      expect((await answer(brain)).length).toBeLessThan(10_000);
    });
  });

  it('refuses an address that is none', () => {
    for (const baseUrl of ['', 'localhost:11434', 'ftp://x/v1']) {
      expect(() => open({ baseUrl })).toThrow(expect.objectContaining({ code: 'invalid_config' }));
    }
  });
});
