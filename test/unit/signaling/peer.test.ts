import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_MESSAGE_BYTES, serverToViewer, viewerToServer, VizaviError } from '@vizavi/signaling';
import type { CallHandlers, NoticeHandlers, ServerToViewer, ViewerToServer } from '@vizavi/signaling';
import { Channel } from '@vizavi/signaling/channel';
import { Gateway, rateLimit } from '@vizavi/signaling/gateway';
import type { Connection } from '@vizavi/signaling/gateway';
import { io } from 'socket.io-client';

let http: Server;
let gateway: Gateway;
let url: string;
let connections: Connection[];
const closers: (() => void)[] = [];

const calls = {
  repeat: ({ text }: { text: string }) => {
    if (text === 'fail') throw new Error('a secret of the server');
    return {};
  },
  interrupt: () => ({ interrupted: ['a'], tookMs: 3 }),
} as unknown as CallHandlers<ViewerToServer>;

beforeEach(async () => {
  connections = [];
  http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  gateway = new Gateway(http);
  gateway.serve('/', {
    authenticate: async ({ token }) => {
      if (token !== 'good') throw new VizaviError('unauthorized', 'this token is not valid');
      return 'someone';
    },
    onConnection: (connection) => {
      connections.push(connection);
      const peer = connection.peer({
        incoming: viewerToServer,
        outgoing: serverToViewer,
        calls,
        notices: {},
      });
      peer.notify('session.stopped', { reason: 'ok' }, 7);
    },
  });
});

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await gateway.close();
  http.close();
});

function dial(token: string): {
  channel: Channel<ServerToViewer, ViewerToServer>;
  connected: Promise<void>;
  refused: Promise<VizaviError>;
  stopped: Promise<number>;
  connects: () => number;
} {
  const connected = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<VizaviError>();
  const stopped = Promise.withResolvers<number>();
  let connects = 0;
  const ignore = (): void => undefined;
  const channel = new Channel<ServerToViewer, ViewerToServer>({
    url,
    namespace: '/',
    auth: { token },
    incoming: serverToViewer,
    outgoing: viewerToServer,
    calls: {},
    notices: {
      ...(Object.fromEntries(
        Object.keys(serverToViewer.notices).map((name) => [name, ignore]),
      ) as unknown as NoticeHandlers<ServerToViewer>),
      'session.stopped': (_body, seq) => {
        stopped.resolve(seq);
      },
    },
    onConnect: () => {
      connects += 1;
      connected.resolve();
    },
    onDisconnect: ignore,
    onRefused: refused.resolve,
  });
  closers.push(() => {
    channel.close();
  });
  channel.open();
  return {
    channel,
    connected: connected.promise,
    refused: refused.promise,
    stopped: stopped.promise,
    connects: () => connects,
  };
}

/** What a stranger with a plain socket gets for a message. */
async function raw(event: string, ...args: unknown[]): Promise<unknown> {
  const socket = io(url, { auth: { token: 'good' }, transports: ['websocket'] });
  closers.push(() => {
    socket.disconnect();
  });
  await new Promise<void>((resolve) => socket.on('connect', resolve));
  return socket.timeout(2000).emitWithAck(event, ...args);
}

describe('signaling', () => {
  it('answers calls and numbers notices', async () => {
    const { channel, connected, stopped } = dial('good');
    await connected;
    await expect(channel.peer.call('interrupt', {})).resolves.toEqual({ interrupted: ['a'], tookMs: 3 });
    await expect(stopped).resolves.toBe(7);
  });

  it('refuses a wrong token with a typed error', async () => {
    const error = await dial('bad').refused;
    expect(error).toMatchObject({ code: 'unauthorized', retryable: false });
  });

  it('tells a failure without telling its inside', async () => {
    const { channel, connected } = dial('good');
    await connected;
    const failed = channel.peer.call('repeat', { utteranceId: 'u', text: 'fail' });
    await expect(failed).rejects.toMatchObject({ code: 'internal' });
    await expect(failed).rejects.not.toThrow(/secret/);
  });

  it.each([
    ['nothing', undefined, 'invalid_message'],
    ['a string', 'repeat', 'invalid_message'],
    ['an unknown type', { v: 1, type: 'rm', seq: 0, body: {} }, 'invalid_message'],
    ['a prototype name', { v: 1, type: '__proto__', seq: 0, body: {} }, 'invalid_message'],
    ['a missing field', { v: 1, type: 'repeat', seq: 0, body: { text: 'hi' } }, 'invalid_message'],
    ['an unknown field', { v: 1, type: 'interrupt', seq: 0, body: { now: true } }, 'invalid_message'],
    ['another version', { v: 2, type: 'interrupt', seq: 0, body: {} }, 'unsupported_version'],
  ])('refuses %s', async (_name, message, code) => {
    await expect(raw('call', message)).resolves.toMatchObject({ ok: false, error: { code } });
  });

  it('names the field that is wrong', async () => {
    const message = { v: 1, type: 'repeat', seq: 0, body: { utteranceId: 'u', text: 5 } };
    const answer = (await raw('call', message)) as { error: { message: string } };
    expect(answer.error.message).toContain('repeat.text');
  });

  it('loses an oversized message and its connection, and lets the sender come back', async () => {
    const { channel, connected, connects } = dial('good');
    await connected;
    const text = 'x'.repeat(MAX_MESSAGE_BYTES + 1);
    await expect(channel.peer.call('repeat', { utteranceId: 'u', text })).rejects.toMatchObject({
      code: 'disconnected',
    });
    await expect.poll(connects, { timeout: 5000 }).toBeGreaterThan(1);
    await expect(channel.peer.call('interrupt', {})).resolves.toBeDefined();
  });

  it('dials again by itself after the connection is lost', async () => {
    const { channel, connected, connects } = dial('good');
    await connected;
    channel.drop();
    await expect.poll(connects, { timeout: 5000 }).toBe(2);
    await expect(channel.peer.call('interrupt', {})).resolves.toBeDefined();
  });

  it('dials again when the server hung up', async () => {
    const { connected, connects } = dial('good');
    await connected;
    connections[0]?.close();
    await expect.poll(connects, { timeout: 5000 }).toBe(2);
  });
});

describe('rateLimit', () => {
  it('lets a burst through, then only so many a second', () => {
    let nowMs = 0;
    const admit = rateLimit(10, 3, () => nowMs);
    admit();
    admit();
    admit();
    expect(admit).toThrow(expect.objectContaining({ code: 'too_many_requests' }));
    nowMs = 100;
    admit();
    expect(admit).toThrow();
  });
});
