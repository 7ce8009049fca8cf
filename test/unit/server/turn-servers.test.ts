import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../server/src/config.ts';
import { iceServers } from '../../../server/src/turn-servers.ts';
import { SessionRig } from '../../support/session-rig.ts';

const URLS = ['turn:turn.example.com:3478', 'turns:turn.example.com:443?transport=tcp'];

describe('iceServers', () => {
  it('gives credentials that coturn takes until the session is over', () => {
    const turn = { urls: URLS, secret: 'north', lifetimeSec: 3600 };
    expect(iceServers(turn, 1_700_000_000_000)).toEqual([
      // printf %s 1700003600 | openssl dgst -sha1 -hmac north -binary | base64
      { urls: URLS, username: '1700003600', credential: 'xF4I6gruVt/PjGbjajGu2UlidPk=' },
    ]);
  });

  it('gives none where there is no relay', () => {
    expect(iceServers(null, 0)).toEqual([]);
  });
});

describe('a TURN server in the environment', () => {
  const read = (env: Record<string, string>): unknown => readConfig(env).secrets.turn;

  it('is read with its secret', () => {
    const env = { VIZAVI_TURN_URLS: URLS.join(', '), VIZAVI_TURN_SECRET: 'north' };
    expect(read(env)).toEqual({ urls: URLS, secret: 'north', lifetimeSec: 3600 });
    expect(read({})).toBeNull();
  });

  it.each([
    [{ VIZAVI_TURN_URLS: URLS[0] ?? '' }, 'VIZAVI_TURN_SECRET: goes with VIZAVI_TURN_URLS'],
    [{ VIZAVI_TURN_SECRET: 'north' }, 'VIZAVI_TURN_SECRET: goes with VIZAVI_TURN_URLS'],
    [{ VIZAVI_TURN_URLS: 'stun:x', VIZAVI_TURN_SECRET: 'n' }, 'VIZAVI_TURN_URLS: each must be a turn:'],
  ])('is refused in halves: %j', (env, words) => {
    expect(() => read(env)).toThrow(words);
  });
});

it('reaches the viewer with each transport', async () => {
  const rig = new SessionRig();
  await rig.worker();
  const { sessionId } = await rig.registry.create({});
  const viewer = rig.connect(sessionId);
  const relays = [{ urls: ['turn:relay.example'], username: 'u', credential: 'c' }];
  const started = await viewer.peer.call('session.start', { viewerId: 'v1', lastEventSeq: -1 });
  expect(started.transport?.iceServers).toEqual(relays);
  await viewer.consume();
  const { transport } = await viewer.peer.call('microphone.open', {});
  expect(transport.iceServers).toEqual(relays);
});
