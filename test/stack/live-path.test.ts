import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, ServerProcess } from '@vizavi/load/server-process';
import { Viewer } from '@vizavi/load/viewer';

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({ VIZAVI_SLOTS: '2' });
}, 60_000);
afterAll(async () => {
  await server.stop();
});

async function api(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }> {
  const response = await fetch(server.url + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Answer };
}

interface Answer {
  readonly sessionId: string;
  readonly token: string;
  readonly url: string;
  readonly expiresAt: string;
  readonly state: string;
  readonly utteranceId: string;
  readonly interrupted: string[];
  readonly error: { code: string; message: string; retryable: boolean };
}

async function createSession(): Promise<Answer> {
  const { status, body } = await api('POST', '/v1/sessions', {});
  expect(status).toBe(201);
  return body;
}

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe('the whole stack', () => {
  it('shows a living face and says what it is told', async () => {
    const { token, sessionId } = await createSession();
    const viewer = new Viewer(server.url, token);
    await viewer.join();
    await expect.poll(() => viewer.received.frames, { timeout: 5000 }).toBeGreaterThan(10);
    await expect(viewer.repeat('Hello there, my name is Mira.')).resolves.toBe('spoken');
    const from = viewer.received.frames;
    await seconds(2);
    expect(viewer.received.frames - from).toBeGreaterThan(45);
    expect((await api('GET', `/v1/sessions/${sessionId}`)).body.state).toBe('live');
    await viewer.leave();
    await expect.poll(async () => (await api('GET', `/v1/sessions/${sessionId}`)).body.state).toBe('closed');
  });

  it('speaks and falls silent over HTTP', async () => {
    const { token, sessionId } = await createSession();
    const viewer = new Viewer(server.url, token);
    await viewer.join();
    const spoken = await api('POST', `/v1/sessions/${sessionId}/speak`, {
      text: 'One, two, three, four, five, six, seven, eight.',
    });
    expect(spoken.status).toBe(202);
    await seconds(0.5);
    const stopped = await api('POST', `/v1/sessions/${sessionId}/interrupt`);
    expect(stopped.body.interrupted).toEqual([spoken.body.utteranceId]);
    expect((await api('DELETE', `/v1/sessions/${sessionId}`)).status).toBeLessThan(300);
    await viewer.leave();
  });

  it('refuses bad requests with typed errors and disturbs nobody', async () => {
    const { sessionId, token } = await createSession();
    const speak = `/v1/sessions/${sessionId}/speak`;
    expect(await api('POST', speak, { text: '' })).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_text' } },
    });
    expect(await api('POST', speak, { text: 'x'.repeat(20_000) })).toMatchObject({
      status: 413,
      body: { error: { code: 'text_too_long' } },
    });
    expect(await api('POST', speak, { text: 5 })).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_message' } },
    });
    expect(await api('GET', '/v1/sessions/nobody')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found' } },
    });
    expect(await api('POST', '/v1/sessions', { avatarId: 'nobody' })).toMatchObject({ status: 404 });
    for (const bad of ['', 'x.y.z', `${token}x`]) {
      await expect(new Viewer(server.url, bad).join()).rejects.toMatchObject({ code: 'unauthorized' });
    }
    await api('DELETE', `/v1/sessions/${sessionId}`);
    await expect(new Viewer(server.url, token).join()).rejects.toThrow();
  });

  it('refuses a session that finds no slot, and has one again when another ends', async () => {
    const [first, second] = [await createSession(), await createSession()];
    const refused = await api('POST', '/v1/sessions', { queue: false });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'no_capacity', retryable: true } } });
    await api('DELETE', `/v1/sessions/${first.sessionId}`);
    const third = await createSession();
    for (const { sessionId } of [second, third]) await api('DELETE', `/v1/sessions/${sessionId}`);
  });

  it('lets a session wait for a slot, tells its place, and then speaks to it', async () => {
    // How many find a slot depends on the machine: one that is short of time takes fewer than it has slots.
    const held: Answer[] = [];
    let waiting = await createSession();
    while (waiting.state !== 'queued' && held.length < 3) {
      held.push(waiting);
      waiting = await createSession();
    }
    expect(held).not.toHaveLength(0);
    expect(waiting).toMatchObject({ state: 'queued', queue: { position: 1 } });
    const viewer = new Viewer(server.url, waiting.token);
    const joined = viewer.join();
    await seconds(0.5);
    expect((await api('GET', `/v1/sessions/${waiting.sessionId}`)).body.state).toBe('queued');
    const [first, ...others] = held;
    await api('DELETE', `/v1/sessions/${first?.sessionId}`);
    await joined;
    await expect(viewer.repeat('Thank you for waiting.')).resolves.toBe('spoken');
    expect((await api('GET', `/v1/sessions/${waiting.sessionId}`)).body.state).toBe('live');
    for (const { sessionId } of others) await api('DELETE', `/v1/sessions/${sessionId}`);
    await viewer.leave();
  });

  it('offers what operators need', async () => {
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/^vizavi_/m);
    const openapi = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: Record<string, unknown>;
    };
    expect(Object.keys(openapi.paths)).toContain('/v1/sessions/{sessionId}/speak');
    expect((await fetch(`${server.url}/docs`)).status).toBe(200);
  });

  it('goes on when the GPU worker is killed in mid-sentence', async () => {
    const { token, sessionId } = await createSession();
    const viewer = new Viewer(server.url, token);
    await viewer.join();
    const outcome = viewer.repeat(
      'This is a long sentence that goes on and on, so that there is time to break something in the middle of it.',
    );
    await seconds(1.5);
    const [worker] = server.children(/gpu\/src\/main\.ts/);
    expect(worker).toBeDefined();
    process.kill(worker ?? 0, 'SIGKILL');
    await expect(outcome).resolves.toBe('spoken');
    expect((await api('GET', `/v1/sessions/${sessionId}`)).body.state).toBe('live');
    await viewer.leave();
  });

  it('ends cleanly on SIGTERM and tells its viewers', async () => {
    const { token } = await createSession();
    const viewer = new Viewer(server.url, token);
    await viewer.join();
    const reason = viewer.stopped;
    await expect(server.stop()).resolves.toBe(0);
    await expect(reason).resolves.toBe('server');
    await viewer.leave();
  });
});

describe('a server that cannot start says so in one line', () => {
  async function failing(env: Record<string, string>): Promise<string> {
    const error = await ServerProcess.start(env).then(
      async (started) => {
        await started.stop();
        return new Error('it started');
      },
      (reason: unknown) => reason as Error,
    );
    const [head, ...lines] = error.message.trim().split('\n');
    expect(head).toContain('the server ended');
    expect(lines.filter((line) => line.trim() !== '')).toHaveLength(1);
    return lines.join('\n');
  }

  it('port in use', async () => {
    const port = await freePort();
    const other = (await import('node:http')).createServer();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    expect(await failing({ PORT: String(port) })).toContain(String(port));
    other.close();
  });

  it('no bundle', async () => {
    expect(await failing({ VIZAVI_BUNDLES: '/nowhere' })).toContain('/nowhere');
  });

  it('production without a key', async () => {
    expect(await failing({ NODE_ENV: 'production' })).toContain('VIZAVI_API_KEYS');
  });
});
