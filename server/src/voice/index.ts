import { FliteVoice } from './flite-voice.ts';
import type { OpenAiVoiceSettings } from './openai-voice.ts';
import type { Voice } from './voice.ts';

export type { SkippedText, SpeakOptions, SpeechChunk, Voice } from './voice.ts';

export type VoiceSettings = { readonly kind: 'flite' } | ({ readonly kind: 'openai' } & OpenAiVoiceSettings);

/**
 * The voice, ready: the embedded one is warm then; another is not asked before there is something to say.
 *
 * @throws VizaviError `voice_failed`, `invalid_config`
 */
export async function openVoice(settings: VoiceSettings = { kind: 'flite' }): Promise<Voice> {
  switch (settings.kind) {
    case 'flite':
      return openFlite();
    case 'openai': {
      const { OpenAiVoice } = await import('./openai-voice.ts');
      return new OpenAiVoice(settings);
    }
  }
}

async function openFlite(): Promise<Voice> {
  const voice = new FliteVoice();
  try {
    await voice.warmUp();
  } catch (error) {
    await voice.close();
    throw error;
  }
  return voice;
}
