import { beforeEach, describe, expect, it } from 'vitest';
import { createHttp } from '../../../server/src/http.ts';
import type { SessionService } from '../../../server/src/session-service.ts';
import { createTelemetry } from '../../../server/src/telemetry.ts';
import { Tokens } from '../../../server/src/token.ts';

const KEY = 'a-key-of-the-tests';
const BEACON = {
  state: 'talking',
  uptimeSec: 3600,
  visitors: 12,
  errors: 1,
  lastError: 'disconnected',
  version: '0123abcd',
};

let nowMs: number;
beforeEach(() => {
  nowMs = Date.UTC(2040, 0, 1);
});

function server(apiKeys: readonly string[] = [KEY]) {
  return createHttp({
    apiKeys,
    service: {} as SessionService,
    tokens: new Tokens('a secret of more than thirty-two characters'),
    telemetry: createTelemetry({ level: 'silent', format: 'json' }),
    publicUrl: () => 'https://avatars.example',
    isDraining: () => false,
    nowMs: () => nowMs,
  });
}
type Server = ReturnType<typeof server>;

async function send(app: Server, method: string, path: string, body?: unknown, key: string | null = KEY) {
  const response = await app.request(
    `http://localhost:8080${path}`,
    {
      method,
      headers: {
        host: 'localhost:8080',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    },
    {},
  );
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : null };
}
const beat = (app: Server, id: string, key: string | null = KEY, body: unknown = BEACON) =>
  send(app, 'POST', `/v1/kiosks/${id}/beacon`, body, key);
const code = ({ body }: { body: unknown }) => (body as { error?: { code: string } } | null)?.error?.code;

describe('beacons of kiosks', () => {
  it('keeps the last one of each and tells since when it is silent', async () => {
    const app = server();
    await beat(app, 'shop', KEY, { ...BEACON, state: 'asleep', lastError: null });
    expect(await beat(app, 'lobby', KEY, { ...BEACON, state: 'waking' })).toMatchObject({ status: 200 });
    nowMs += 5000;
    await beat(app, 'lobby');
    nowMs += 40_000;
    const { body } = await send(app, 'GET', '/v1/kiosks');
    expect(body).toEqual({
      kiosks: [
        { kioskId: 'lobby', ...BEACON, lastSeenSec: 40, seenAt: '2040-01-01T00:00:05.000Z' },
        {
          kioskId: 'shop',
          ...BEACON,
          state: 'asleep',
          lastError: null,
          lastSeenSec: 45,
          seenAt: '2040-01-01T00:00:00.000Z',
        },
      ],
    });
    expect(await send(app, 'GET', '/v1/kiosks/lobby')).toMatchObject({ body: { state: 'talking' } });
    expect(code(await send(app, 'GET', '/v1/kiosks/attic'))).toBe('not_found');
  });

  it('shows them to Prometheus', async () => {
    const app = server();
    await beat(app, 'lobby', KEY, { ...BEACON, state: 'resting' });
    await beat(app, 'lobby');
    nowMs += 7000;
    const { text } = await send(app, 'GET', '/metrics');
    expect(text).toContain('vizavi_kiosk_last_seen_seconds{kiosk="lobby"} 7');
    expect(text).toContain('vizavi_kiosk_state{kiosk="lobby",state="talking"} 1');
    expect(text).not.toContain('state="resting"');
    expect(text).toContain('vizavi_kiosk_visitors{kiosk="lobby"} 12');
  });

  it('takes nothing that could hold what was said', async () => {
    const app = server();
    for (const wrong of [
      { ...BEACON, transcript: 'hello' },
      { ...BEACON, lastError: 'I would like to know where the toilet is' },
      { ...BEACON, state: 'dancing' },
      { ...BEACON, visitors: -1 },
      { state: 'asleep' },
    ]) {
      expect(code(await beat(app, 'lobby', KEY, wrong))).toBe('invalid_message');
    }
    expect(code(await beat(app, 'no%20name', KEY))).toBe('invalid_message');
    const big = { ...BEACON, version: 'x'.repeat(5000) };
    expect(code(await beat(app, 'lobby', KEY, big))).toBe('message_too_large');
    expect((await send(app, 'GET', '/v1/kiosks')).body).toEqual({ kiosks: [] });
  });

  it('lets a kiosk tell of itself with its own token, and nothing else', async () => {
    const app = server(['another-key-of-the-tests', KEY]);
    const made = await send(app, 'POST', '/v1/kiosks/lobby/token');
    expect(made.status).toBe(201);
    const { token } = made.body as { token: string };
    expect((await beat(app, 'lobby', token)).status).toBe(200);
    expect((await send(app, 'GET', '/v1/kiosks/lobby', undefined, token)).status).toBe(200);
    for (const [method, path] of [
      ['POST', '/v1/kiosks/shop/beacon'],
      ['GET', '/v1/kiosks/shop'],
      ['GET', '/v1/kiosks'],
      ['POST', '/v1/kiosks/lobby/token'],
      ['POST', '/v1/sessions'],
    ] as const) {
      const body = method === 'POST' ? BEACON : undefined;
      expect(code(await send(app, method, path, body, token))).toBe('unauthorized');
    }
    expect(code(await beat(app, 'lobby', null))).toBe('unauthorized');
    // It holds as long as its key does, also on a server that was started anew.
    expect((await beat(server(['another-key-of-the-tests']), 'lobby', token)).status).toBe(200);
    expect(code(await beat(server(['yet-another-key-of-theirs']), 'lobby', token))).toBe('unauthorized');
  });

  it('needs no key in development mode', async () => {
    const app = server([]);
    expect((await beat(app, 'lobby', null)).status).toBe(200);
    expect((await send(app, 'GET', '/v1/kiosks', undefined, null)).body).toMatchObject({
      kiosks: [{ kioskId: 'lobby' }],
    });
    expect(code(await send(app, 'POST', '/v1/kiosks/lobby/token', undefined, null))).toBe('invalid_state');
  });

  it('bounds how many and how often', async () => {
    const app = server();
    for (let count = 0; count < 600; count += 1) await beat(app, `kiosk-${count}`);
    expect(code(await beat(app, 'kiosk-0'))).toBe('too_many_requests');
    nowMs += 60_000;
    for (let count = 600; count < 1000; count += 1) await beat(app, `kiosk-${count}`);
    expect(code(await beat(app, 'one-too-many'))).toBe('too_many_requests');
    expect((await beat(app, 'kiosk-0')).status).toBe(200);
    // Those that are silent for a day make room.
    nowMs += 25 * 3600 * 1000;
    expect((await beat(app, 'one-more')).status).toBe(200);
    expect(code(await send(app, 'GET', '/v1/kiosks/kiosk-1'))).toBe('not_found');
    expect((await send(app, 'GET', '/v1/kiosks/kiosk-0')).status).toBe(200);
  });
});

describe('the page of the kiosk', () => {
  const get = (path: string) => server().request(`http://localhost:8080${path}`, {}, {});

  it('keeps its settings when the slash is missing', async () => {
    const { status, headers } = await get('/kiosk?title=Museum');
    expect(status).toBe(302);
    expect(headers.get('location')).toBe('/kiosk/?title=Museum');
  });

  it('loads all that it needs under its version, and nothing under another', async () => {
    const page = await get('/kiosk/');
    const html = await page.text();
    const [, version] = /data-version="(\w+)"/.exec(html) ?? [];
    expect(version).toMatch(/^\w{16}$/);
    expect(page.headers.get('x-kiosk-version')).toBe(version);
    const paths = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(paths.length).toBeGreaterThan(2);
    for (const path of paths) expect((await get(path)).status, path).toBe(200);
    expect((await get(`/kiosk/${version}/kiosk.mjs`)).headers.get('content-type')).toMatch('text/javascript');
    expect((await get('/kiosk/0000000000000000/kiosk.mjs')).status).toBe(404);
    expect((await get(`/kiosk/${version}/../../../src/main.ts`)).status).toBe(404);
    const worker = await (await get('/kiosk/sw.js')).text();
    expect(worker).toContain(version);
    expect(worker).toContain("'kiosk.mjs'");
    expect(worker).toContain("'posters/mira.jpg'");
  });

  it('may use the camera, and cannot be framed', async () => {
    const { headers } = await get('/kiosk/');
    expect(headers.get('permissions-policy')).toMatch(/camera=\(?self/);
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect((await get('/')).headers.get('permissions-policy')).toContain('camera=()');
  });
});
