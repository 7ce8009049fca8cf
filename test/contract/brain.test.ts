import { fileURLToPath } from 'node:url';
import { openBrain } from '../../server/src/brain/index.ts';
import { FakeBrain } from '../support/fake-brain.ts';
import { OpenAiServer } from '../support/openai-server.ts';
import { brainContract } from './brain.contract.ts';
import type { OpenedBrain } from './brain.contract.ts';

const FOLDER = fileURLToPath(new URL('../../server/knowledge', import.meta.url));

brainContract('KnowledgeBrain', async (): Promise<OpenedBrain> => {
  const brain = await openBrain({ kind: 'knowledge', folder: FOLDER });
  return { brain, close: () => brain.close() };
});

brainContract('OpenAiBrain', async (): Promise<OpenedBrain> => {
  const server = await OpenAiServer.open();
  server.usually({ pieces: ['It **needs** ', 'two cores, ', 'and `Node`', ' twenty-four.'] });
  const brain = await openBrain({ kind: 'openai', baseUrl: server.baseUrl, apiKey: 'key', model: 'test' });
  return {
    brain,
    close: async () => {
      await brain.close();
      await server.close();
    },
  };
});

brainContract('FakeBrain', (): Promise<OpenedBrain> => {
  const brain = new FakeBrain();
  return Promise.resolve({ brain, close: () => brain.close() });
});
