import { VizaviError } from '@vizavi/signaling';
import type { CloseReason, Manner } from '@vizavi/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHttp } from '../../../server/src/http.ts';
import type { AvatarInfo, SessionInfo, SessionService } from '../../../server/src/session-service.ts';
import { createTelemetry } from '../../../server/src/telemetry.ts';
import { Tokens } from '../../../server/src/token.ts';

const KEY = 'a-key-of-the-tests';
const EXPIRES_AT_MS = Date.UTC(2040, 0, 2, 3, 4, 5);

const AVATAR: AvatarInfo = {
  avatarId: 'mira',
  name: 'Mira',
  width: 384,
  height: 384,
  fps: 25,
  slots: 2,
  freeSlots: 1,
  voices: ['slt'],
};

const SESSION: SessionInfo = {
  sessionId: 's1',
  avatarId: 'mira',
  voice: 'slt',
  state: 'live',
  viewers: 1,
  speaking: false,
  createdAtMs: EXPIRES_AT_MS - 60_000,
  expiresAtMs: EXPIRES_AT_MS,
  closeReason: null,
  queue: null,
};

/** One session, `s1`; keeps what it was asked. */
class OneSession implements SessionService {
  ready = true;
  readonly asked: unknown[] = [];
  failure: Error | null = null;

  create(options: unknown): Promise<SessionInfo> {
    return this.#answer('', ['create', options], SESSION);
  }
  info(sessionId: string): SessionInfo {
    if (sessionId !== 's1') throw new VizaviError('not_found', 'there is no such session');
    return SESSION;
  }
  speak(sessionId: string, text: string, manner?: Manner): Promise<{ utteranceId: string }> {
    return this.#answer(sessionId, ['speak', text, manner], { utteranceId: 'u1' });
  }
  message(sessionId: string, text: string): Promise<{ replyId: string }> {
    return this.#answer(sessionId, ['message', text], { replyId: 'r1' });
  }
  interrupt(sessionId: string): Promise<{ interrupted: readonly string[]; tookMs: number }> {
    return this.#answer(sessionId, ['interrupt'], { interrupted: ['u1'], tookMs: 12.5 });
  }
  close(sessionId: string, reason: CloseReason): Promise<void> {
    return this.#answer(sessionId, ['close', reason], undefined);
  }
  avatars(): readonly AvatarInfo[] {
    return [AVATAR];
  }

  async #answer<T>(sessionId: string, asked: unknown, result: T): Promise<T> {
    if (this.failure) throw this.failure;
    if (sessionId !== '') this.info(sessionId);
    this.asked.push(asked);
    return result;
  }
}

let service: OneSession;
let draining: boolean;
let nowMs: number;
beforeEach(() => {
  service = new OneSession();
  draining = false;
  nowMs = 1_800_000_000_000;
});

const tokens = new Tokens('a secret of more than thirty-two characters');

function server(apiKeys: readonly string[], sessionsPerMinute = 60) {
  return createHttp({
    apiKeys,
    service,
    tokens,
    telemetry: createTelemetry({ level: 'silent', format: 'json' }),
    publicUrl: () => 'https://avatars.example',
    isDraining: () => draining,
    sessionsPerMinute,
    nowMs: () => nowMs,
  });
}

type Server = ReturnType<typeof server>;
interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function send(app: Server, method: string, path: string, body?: unknown, headers = {}): Promise<Reply> {
  const init = {
    method,
    headers: {
      host: 'localhost:8080',
      authorization: `Bearer ${KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined || typeof body === 'string' ? (body ?? null) : JSON.stringify(body),
  };
  const response = await app.request(`http://localhost:8080${path}`, init, {});
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

const problem = (code: string, message: unknown = expect.any(String)) => ({
  body: { error: { code, message, retryable: expect.any(Boolean) as boolean } },
});
const keyed = (): Server => server([KEY, 'another-key-of-the-tests']);

describe('sessions over HTTP', () => {
  it('opens one and gives a token that opens it alone', async () => {
    const options = { avatarId: 'mira', voice: 'slt', maxDurationSec: 60, idleTimeoutSec: 20 };
    const { status, body } = await send(keyed(), 'POST', '/v1/sessions', options);
    expect(status).toBe(201);
    expect(body).toEqual({
      sessionId: 's1',
      token: expect.any(String) as string,
      url: 'https://avatars.example',
      expiresAt: '2040-01-02T03:04:05.000Z',
      state: 'live',
      queue: null,
    });
    const { token } = body as { token: string };
    await expect(tokens.verify(token)).resolves.toEqual({ sessionId: 's1', role: 'visitor' });
    expect(service.asked).toEqual([['create', options]]);
  });

  it('opens one for who wants nothing special', async () => {
    expect((await send(keyed(), 'POST', '/v1/sessions')).status).toBe(201);
    expect((await send(keyed(), 'POST', '/v1/sessions', {})).status).toBe(201);
  });

  it('shows, speaks, interrupts and closes', async () => {
    const app = keyed();
    expect(await send(app, 'GET', '/v1/sessions/s1')).toEqual({
      status: 200,
      body: {
        sessionId: 's1',
        avatarId: 'mira',
        voice: 'slt',
        state: 'live',
        viewers: 1,
        speaking: false,
        createdAt: '2040-01-02T03:03:05.000Z',
        expiresAt: '2040-01-02T03:04:05.000Z',
        closeReason: null,
        queue: null,
      },
    });
    expect(await send(app, 'POST', '/v1/sessions/s1/speak', { text: 'Hello' })).toEqual({
      status: 202,
      body: { utteranceId: 'u1' },
    });
    expect(await send(app, 'POST', '/v1/sessions/s1/interrupt')).toEqual({
      status: 200,
      body: { interrupted: ['u1'], tookMs: 12.5 },
    });
    expect(await send(app, 'DELETE', '/v1/sessions/s1')).toEqual({ status: 204, body: null });
    expect(service.asked).toEqual([
      ['speak', 'Hello', { emotion: 'neutral' }],
      ['interrupt'],
      ['close', 'ok'],
    ]);
    await send(app, 'POST', '/v1/sessions/s1/speak', {
      ...{ text: 'Oh', emotion: 'sad' },
      gesture: 'shake',
    });
    expect(service.asked.at(-1)).toEqual(['speak', 'Oh', { emotion: 'sad', gesture: 'shake' }]);
    const angry = await send(app, 'POST', '/v1/sessions/s1/speak', { text: 'Oh', emotion: 'furious' });
    expect(angry.status).toBe(400);
    expect((await send(app, 'GET', '/v1/avatars')).body).toEqual({ avatars: [AVATAR] });
  });

  it('lets the avatar answer', async () => {
    const asked = await send(keyed(), 'POST', '/v1/sessions/s1/message', { text: 'What can you do?' });
    expect(asked).toEqual({ status: 202, body: { replyId: 'r1' } });
    expect(service.asked).toEqual([['message', 'What can you do?']]);
  });

  it('lets others in, each as what they are', async () => {
    for (const [body, role] of [
      [undefined, 'audience'],
      [{ role: 'presenter' }, 'presenter'],
    ] as const) {
      const answer = await send(keyed(), 'POST', '/v1/sessions/s1/tokens', body);
      expect(answer).toMatchObject({
        status: 201,
        body: { role, url: 'https://avatars.example', expiresAt: '2040-01-02T03:04:05.000Z' },
      });
      const { token } = answer.body as { token: string };
      await expect(tokens.verify(token)).resolves.toEqual({ sessionId: 's1', role });
    }
    expect((await send(keyed(), 'POST', '/v1/sessions/s1/tokens', { role: 'king' })).status).toBe(400);
    expect((await send(keyed(), 'POST', '/v1/sessions/s2/tokens', {})).status).toBe(404);
  });

  it('takes instructions and tools, and refuses nonsense', async () => {
    const tool = { name: 'show_slide', description: 'Shows a slide', parameters: { type: 'object' } };
    const options = { instructions: 'You are a guide.', tools: [tool], language: 'en-GB' };
    expect((await send(keyed(), 'POST', '/v1/sessions', options)).status).toBe(201);
    expect(service.asked).toEqual([['create', options]]);
    for (const bad of [
      { tools: [{ ...tool, name: 'show slide' }] },
      { tools: Array(33).fill(tool) },
      { instructions: '' },
      { language: 'English please' },
    ]) {
      expect((await send(keyed(), 'POST', '/v1/sessions', bad)).status).toBe(400);
    }
  });

  it('says when there is no such session', async () => {
    for (const [method, path] of [
      ['GET', '/v1/sessions/s2'],
      ['DELETE', '/v1/sessions/s2'],
      ['POST', '/v1/sessions/s2/interrupt'],
    ] as const) {
      expect(await send(keyed(), method, path)).toMatchObject({ status: 404, ...problem('not_found') });
    }
  });

  it('answers each failure with its own status', async () => {
    for (const [code, status] of [
      ['no_capacity', 503],
      ['invalid_text', 400],
      ['text_too_long', 413],
      ['invalid_state', 409],
    ] as const) {
      service.failure = new VizaviError(code, 'a reason');
      const reply = await send(keyed(), 'POST', '/v1/sessions/s1/speak', { text: 'Hello' });
      expect(reply).toMatchObject({ status, ...problem(code, 'a reason') });
    }
  });

  it('keeps what went wrong inside to itself', async () => {
    service.failure = new Error('the password is hunter2');
    const reply = await send(keyed(), 'POST', '/v1/sessions');
    expect(reply).toMatchObject({ status: 500, ...problem('internal') });
    expect(JSON.stringify(reply)).not.toContain('hunter2');
  });
});

describe('a request that cannot be understood', () => {
  it.each([
    ['maxDurationSec', { maxDurationSec: 9 }],
    ['maxDurationSec', { maxDurationSec: '60' }],
    ['maxDurationSec', { maxDurationSec: 86_401 }],
    ['idleTimeoutSec', { idleTimeoutSec: 3601 }],
    ['avatarId', { avatarId: 7 }],
    ['colour', { colour: 'red' }],
    ['body', []],
    ['body', null],
  ])('is told about its %s', async (field, body) => {
    const reply = await send(keyed(), 'POST', '/v1/sessions', body ?? 'null');
    expect(reply).toMatchObject({
      status: 400,
      ...problem('invalid_message', expect.stringContaining(field)),
    });
    expect(service.asked).toEqual([]);
  });

  it('is told about broken JSON', async () => {
    const reply = await send(keyed(), 'POST', '/v1/sessions/s1/speak', '{"text":');
    expect(reply).toMatchObject({ status: 400, ...problem('invalid_message') });
  });

  it('is told about the wrong kind of body', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      for (const path of ['/v1/sessions', '/v1/sessions/s1/speak']) {
        const reply = await send(keyed(), 'POST', path, '{"text":"Hello"}', { 'content-type': type });
        expect(reply).toMatchObject({
          status: 400,
          ...problem('invalid_message', expect.stringContaining('application/json')),
        });
      }
    }
  });

  it('is told that a text is missing', async () => {
    for (const body of [{}, { text: 5 }, { text: null }, undefined]) {
      const reply = await send(keyed(), 'POST', '/v1/sessions/s1/speak', body);
      expect(reply).toMatchObject({
        status: 400,
        ...problem('invalid_message', expect.stringContaining('text')),
      });
    }
  });

  it('is not read to its end when it is too large', async () => {
    const reply = await send(keyed(), 'POST', '/v1/sessions/s1/speak', { text: 'x'.repeat(100_000) });
    expect(reply).toMatchObject({ status: 413, ...problem('message_too_large') });
  });

  it('finds nothing where nothing is', async () => {
    for (const path of [
      '/nothing',
      '/v1',
      '/v1/nothing',
      '/..%2f..%2fpackage.json',
      '/client/../package.json',
    ]) {
      expect(await send(keyed(), 'GET', path)).toMatchObject({ status: 404, ...problem('not_found') });
    }
  });
});

describe('with API keys', () => {
  it.each([
    ['none', ''],
    ['a wrong one', 'Bearer another-key'],
    ['one with more after it', `Bearer ${KEY}x`],
    ['another scheme', `Basic ${KEY}`],
  ])('refuses %s', async (_, authorization) => {
    for (const [method, path] of [
      ['POST', '/v1/sessions'],
      ['GET', '/v1/sessions/s1'],
      ['GET', '/v1/avatars'],
    ] as const) {
      const reply = await send(keyed(), method, path, undefined, { authorization });
      expect(reply).toMatchObject({ status: 401, ...problem('unauthorized') });
    }
    expect(service.asked).toEqual([]);
  });

  it('accepts each key', async () => {
    const headers = { authorization: 'bearer another-key-of-the-tests' };
    expect((await send(keyed(), 'GET', '/v1/avatars', undefined, headers)).status).toBe(200);
  });

  it('answers under any name, from anywhere', async () => {
    const headers = { host: 'avatars.example', origin: 'https://shop.example' };
    expect((await send(keyed(), 'POST', '/v1/sessions', {}, headers)).status).toBe(201);
  });
});

describe('in development mode', () => {
  it('needs no key on this machine', async () => {
    const app = server([]);
    for (const headers of [
      {},
      { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' },
      { host: '[::1]:8080', origin: 'http://localhost:5173' },
    ]) {
      const reply = await send(app, 'POST', '/v1/sessions', {}, { authorization: '', ...headers });
      expect(reply.status).toBe(201);
    }
  });

  it('refuses other sites, names that only point here, and proxies', async () => {
    const app = server([]);
    for (const headers of [
      { host: 'evil.example:8080' },
      { host: 'localhost.evil.example' },
      { host: '' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'x-forwarded-for': '192.0.2.1' },
    ]) {
      for (const [method, path] of [
        ['POST', '/v1/sessions'],
        ['GET', '/'],
        ['GET', '/v1/avatars'],
      ] as const) {
        const reply = await send(app, method, path, undefined, headers);
        expect(reply).toMatchObject({ status: 403, ...problem('forbidden') });
      }
    }
    expect(service.asked).toEqual([]);
  });
});

it('opens only so many sessions a minute for one address', async () => {
  const app = server([], 3);
  const open = async (): Promise<number> => (await send(app, 'POST', '/v1/sessions')).status;
  expect([await open(), await open(), await open(), await open()]).toEqual([201, 201, 201, 429]);
  expect((await send(app, 'GET', '/v1/sessions/s1')).status).toBe(200);
  nowMs += 60_000;
  expect(await open()).toBe(201);
});

describe('for operators', () => {
  it('is ready when a slot is, and until it drains', async () => {
    const app = keyed();
    expect((await send(app, 'GET', '/readyz')).status).toBe(200);
    service.ready = false;
    expect(await send(app, 'GET', '/readyz')).toMatchObject({ status: 503, ...problem('unavailable') });
    service.ready = true;
    draining = true;
    expect(await send(app, 'GET', '/readyz')).toMatchObject({ status: 503, ...problem('unavailable') });
    expect((await send(app, 'GET', '/healthz')).status).toBe(200);
  });

  it('shows its figures', async () => {
    const app = keyed();
    await send(app, 'GET', '/nothing');
    const text = await (await app.request('/metrics')).text();
    expect(text).toContain('vizavi_http_errors_total{code="not_found"} 1');
    expect(text).toContain('vizavi_slots 0');
    expect(text).toContain('process_resident_memory_bytes');
  });
});

describe('the API’s description', () => {
  it('lists every route with its errors', async () => {
    const { body } = await send(keyed(), 'GET', '/openapi.json');
    const { paths, servers } = body as {
      paths: Record<string, Record<string, { responses: object }>>;
      servers: unknown;
    };
    expect(
      Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m} ${path}`)),
    ).toEqual(
      expect.arrayContaining([
        'post /v1/sessions',
        'get /v1/sessions/{sessionId}',
        'delete /v1/sessions/{sessionId}',
        'post /v1/sessions/{sessionId}/speak',
        'post /v1/sessions/{sessionId}/message',
        'post /v1/sessions/{sessionId}/tokens',
        'post /v1/sessions/{sessionId}/interrupt',
        'get /v1/avatars',
      ]),
    );
    for (const methods of Object.values(paths)) {
      for (const { responses } of Object.values(methods)) expect(responses).toHaveProperty('default');
    }
    expect(servers).toEqual([{ url: '/' }]);
  });

  it('has a page made of files of this server', async () => {
    const app = keyed();
    const page = await app.request('/docs');
    const html = await page.text();
    const links = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, link]) => link ?? '');
    expect(links).toHaveLength(3);
    for (const link of links) expect((await app.request(link)).status).toBe(200);
    expect(html).not.toMatch(/https?:/);
  });
});

describe('every answer', () => {
  it('tells browsers to take scripts from here only', async () => {
    for (const path of ['/', '/docs', '/v1/avatars', '/nothing']) {
      const { headers } = await keyed().request(path);
      expect(headers.get('content-security-policy')).toContain("script-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('is not sent again while it has not changed', async () => {
    const app = keyed();
    const first = await app.request('/docs/swagger-ui.css');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).not.toBe('');
    const again = await app.request('/docs/swagger-ui.css', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });
});
