import { describe, expect, it } from 'vitest';
import { openBrain } from '../../../../server/src/brain/index.ts';
import { openEars } from '../../../../server/src/ears/index.ts';
import { openVoice } from '../../../../server/src/voice/index.ts';

const openai = { kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', apiKey: null, model: 'x' } as const;

describe('what is opened by settings', () => {
  it('asks nobody before there is something to do', async () => {
    const brain = await openBrain(openai);
    const ears = await openEars(openai);
    const voice = await openVoice({ ...openai, voices: ['alloy'] });
    expect([brain.name, ears?.name, voice.sampleRate, voice.voices]).toEqual([
      'openai',
      'openai',
      24_000,
      ['alloy'],
    ]);
    await Promise.all([brain.close(), ears?.close(), voice.close()]);
  });

  it('has no ears where browsers listen', async () => {
    expect(await openEars({ kind: 'browser' })).toBeNull();
  });

  it('refuses settings that cannot work', async () => {
    const refused = { code: 'invalid_config' };
    await expect(openBrain({ kind: 'knowledge', folder: '/nowhere' })).rejects.toMatchObject(refused);
    await expect(openBrain({ ...openai, baseUrl: 'nowhere' })).rejects.toMatchObject(refused);
    await expect(openEars({ ...openai, baseUrl: '' })).rejects.toMatchObject(refused);
    await expect(openVoice({ ...openai, voices: [] })).rejects.toMatchObject(refused);
  });
});
