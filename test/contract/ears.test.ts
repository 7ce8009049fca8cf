import { openEars } from '../../server/src/ears/index.ts';
import { OpenAiServer } from '../support/openai-server.ts';
import { ScriptedEars } from '../support/scripted-ears.ts';
import { earsContract, SAID } from './ears.contract.ts';
import type { OpenedEars } from './ears.contract.ts';

earsContract('OpenAiEars', async (): Promise<OpenedEars> => {
  const server = await OpenAiServer.open();
  server.usually({ pieces: [` ${SAID}\n`] });
  const ears = await openEars({ kind: 'openai', baseUrl: server.baseUrl, apiKey: 'key', model: 'test' });
  if (!ears) throw new Error('there are no ears');
  return {
    ears,
    close: async () => {
      await ears.close();
      await server.close();
    },
  };
});

earsContract('ScriptedEars', (): Promise<OpenedEars> => {
  const ears = new ScriptedEars(SAID);
  return Promise.resolve({ ears, close: () => ears.close() });
});
