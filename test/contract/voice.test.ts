import { afterAll, beforeAll } from 'vitest';
import { openVoice } from '../../server/src/voice/index.ts';
import { FakeVoice } from '../support/fake-voice.ts';
import { OpenAiServer } from '../support/openai-server.ts';
import { voiceContract } from './voice.contract.ts';

voiceContract('FakeVoice', () => Promise.resolve(new FakeVoice()));
voiceContract('FliteVoice', () => openVoice());

let server: OpenAiServer;
beforeAll(async () => {
  server = await OpenAiServer.open();
});
afterAll(() => server.close());

voiceContract('OpenAiVoice', () => {
  const { baseUrl } = server;
  // The server's voices are flite's.
  const flite = { voices: ['slt', 'rms'], scripts: 'latin' } as const;
  return openVoice({ kind: 'openai', baseUrl, apiKey: 'key', model: 'test', ...flite });
});
