import { FliteVoice } from './flite-voice.ts';
import type { Voice } from './voice.ts';

export type { SkippedText, SpeakOptions, SpeechChunk, Voice } from './voice.ts';

/** The embedded voice, ready and warm. */
export async function openVoice(): Promise<Voice> {
  const voice = new FliteVoice();
  await voice.warmUp();
  return voice;
}
