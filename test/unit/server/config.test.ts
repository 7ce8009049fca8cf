import { VizaviError } from '@vizavi/signaling';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../server/src/config.ts';

const MACHINE = { cores: 8, addresses: ['192.0.2.7'] };
const KEY = 'a-key-of-sixteen+';

function read(env: Record<string, string> = {}) {
  return readConfig(env, MACHINE);
}

function faults(env: Record<string, string>): string[] {
  try {
    read(env);
  } catch (error) {
    expect(error).toBeInstanceOf(VizaviError);
    return (error as VizaviError).message.split('\n');
  }
  return [];
}

describe('without any variable', () => {
  it('serves this machine alone, in development mode', () => {
    const { config, secrets } = read();
    expect(config).toMatchObject({
      development: true,
      host: '127.0.0.1',
      port: 8080,
      announcedIp: '127.0.0.1',
      ingestIp: '127.0.0.1',
      localWorker: true,
      codec: 'h264',
      maxBitrateBps: 800_000,
      mediaWorkers: 4,
      slots: null,
      avatars: 'all',
    });
    expect(config.bundlesDir).toMatch(/gpu[\\/]bundles$/);
    expect(secrets.apiKeys).toEqual([]);
  });

  it('makes secrets of its own, others each time', () => {
    const [first, second] = [read().secrets, read().secrets];
    expect(first.tokenSecret.length).toBeGreaterThanOrEqual(32);
    expect(first.tokenSecret).not.toBe(second.tokenSecret);
    expect(first.workerSecret).not.toBe(second.workerSecret);
  });

  it('needs no provider: its own knowledge, the browser’s ears, the embedded voice', () => {
    const { providers } = read().secrets;
    expect(providers).toMatchObject({
      brain: { kind: 'knowledge' },
      ears: { kind: 'browser' },
      voice: { kind: 'flite' },
    });
  });

  it('cannot be changed later', () => {
    const { config, secrets } = read();
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(secrets)).toBe(true);
  });
});

describe('with providers', () => {
  it('uses each once its model is named, at the common address with the common key, or at its own', () => {
    const { providers } = read({
      VIZAVI_OPENAI_URL: 'https://ai.example/v1/',
      VIZAVI_OPENAI_KEY: 'common',
      VIZAVI_CHAT_MODEL: 'chat-1',
      VIZAVI_EARS_MODEL: 'ears-1',
      VIZAVI_EARS_URL: 'http://127.0.0.1:9000/v1',
      VIZAVI_EARS_KEY: 'own',
      VIZAVI_VOICE_MODEL: 'voice-1',
      VIZAVI_VOICES: 'nova, echo',
    }).secrets;
    const common = { kind: 'openai', baseUrl: 'https://ai.example/v1', apiKey: 'common' };
    expect(providers.brain).toEqual({ ...common, model: 'chat-1' });
    expect(providers.ears).toEqual({
      kind: 'openai',
      baseUrl: 'http://127.0.0.1:9000/v1',
      apiKey: 'own',
      model: 'ears-1',
    });
    expect(providers.voice).toEqual({ ...common, model: 'voice-1', voices: ['nova', 'echo'] });
  });

  it('keeps their keys out of what is shown, and says what is wrong', () => {
    const { config } = read({ VIZAVI_OPENAI_KEY: 'hunter2hunter2', VIZAVI_CHAT_MODEL: 'x' });
    expect(JSON.stringify(config)).not.toContain('hunter2');
    expect(faults({ VIZAVI_CHAT_URL: 'ftp://x', VIZAVI_CHAT_MODEL: 'x' })[0]).toContain('VIZAVI_CHAT_URL');
    expect(faults({ VIZAVI_VOICES: ' , ' })[0]).toContain('VIZAVI_VOICES');
  });
});

describe('with API keys', () => {
  it('serves the network and announces its own address', () => {
    const { config, secrets } = read({ VIZAVI_API_KEYS: ` ${KEY}, ${KEY}2 ,` });
    expect(config).toMatchObject({ development: false, host: '0.0.0.0', announcedIp: '192.0.2.7' });
    expect(secrets.apiKeys).toEqual([KEY, `${KEY}2`]);
  });

  it('takes GPU workers of other machines when it has none here', () => {
    expect(read({ VIZAVI_API_KEYS: KEY, VIZAVI_LOCAL_WORKER: 'false' }).config.ingestIp).toBe('192.0.2.7');
  });
});

it('prefers its own variable for the port, and takes an empty one as unset', () => {
  expect(read({ PORT: '9000' }).config.port).toBe(9000);
  expect(read({ PORT: '9000', VIZAVI_PORT: '9001' }).config.port).toBe(9001);
  expect(read({ PORT: '' }).config.port).toBe(8080);
});

it('needs one media worker on a small machine', () => {
  expect(readConfig({}, { cores: 2, addresses: [] }).config.mediaWorkers).toBe(1);
});

describe('names what is wrong, in one line each', () => {
  it.each([
    ['VIZAVI_PORT', { VIZAVI_PORT: 'eighty' }],
    ['PORT', { PORT: '70000' }],
    ['VIZAVI_API_KEYS', { VIZAVI_API_KEYS: 'short' }],
    ['VIZAVI_TOKEN_SECRET', { VIZAVI_TOKEN_SECRET: 'short' }],
    ['VIZAVI_WORKER_SECRET', { VIZAVI_WORKER_SECRET: 'short' }],
    ['VIZAVI_PUBLIC_URL', { VIZAVI_PUBLIC_URL: 'example.org' }],
    ['VIZAVI_ANNOUNCED_IP', { VIZAVI_ANNOUNCED_IP: 'example.org' }],
    ['VIZAVI_CODEC', { VIZAVI_CODEC: 'vp9' }],
    ['VIZAVI_LOCAL_WORKER', { VIZAVI_LOCAL_WORKER: 'perhaps' }],
    ['VIZAVI_RTC_MIN_PORT', { VIZAVI_RTC_MIN_PORT: '50000' }],
    ['VIZAVI_MAX_DURATION_SEC', { VIZAVI_MAX_DURATION_SEC: '1.5' }],
    ['VIZAVI_API_KEYS', { NODE_ENV: 'production' }],
    ['VIZAVI_HOST', { VIZAVI_HOST: '0.0.0.0' }],
  ])('%s', (name, env) => {
    const lines = faults(env);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^${name}: `));
  });

  it('tells all faults at once, and no secret', () => {
    const lines = faults({ VIZAVI_PORT: 'x', VIZAVI_API_KEYS: 'hunter2' });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('hunter2');
  });
});
