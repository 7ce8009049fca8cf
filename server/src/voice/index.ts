import { FliteVoice } from './flite-voice.ts';
import type { Voice } from './voice.ts';

export type { SkippedText, SpeakOptions, SpeechChunk, Voice } from './voice.ts';

/**
 * The embedded voice, ready and warm.
 *
 * @throws VizaviError `voice_failed`
 */
export async function openVoice(): Promise<Voice> {
  const voice = new FliteVoice();
  try {
    await voice.warmUp();
  } catch (error) {
    await voice.close();
    throw error;
  }
  return voice;
}
