import { VizaviError } from '@vizavi/signaling';
import type { Manner } from '@vizavi/signaling';
import type { Voice } from '@vizavi/server/voice';
import type { Line } from './offline-avatar.ts';

/**
 * What the embedded voice makes of a text, as one line.
 *
 * @param names the voice that is asked for, if one is, and the one that suits the face
 * @throws VizaviError `invalid_text`, `voice_failed`
 */
export async function textToLines(
  text: string,
  names: { readonly wanted: string | undefined; readonly own: string | null },
  manner: Manner,
): Promise<Line[]> {
  const voice = await openEmbeddedVoice();
  try {
    const { wanted } = names;
    if (wanted !== undefined && !voice.voices.includes(wanted)) {
      throw new VizaviError('invalid_text', `there is no voice ${wanted}, only: ${voice.voices.join(', ')}`);
    }
    const name = wanted ?? voice.voices.find((known) => known === names.own);
    const parts: Int16Array[] = [];
    for await (const { pcm } of voice.speak(text, name === undefined ? {} : { voice: name })) parts.push(pcm);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length === 0) throw new VizaviError('invalid_text', 'there is nothing to say');
    const pcm = new Int16Array(length);
    let at = 0;
    for (const part of parts) {
      pcm.set(part, at);
      at += part.length;
    }
    return [{ pcm, sampleRate: voice.sampleRate, manner }];
  } finally {
    await voice.close();
  }
}

/** The voice lives in the server's package, which an image for workers alone does without. */
async function openEmbeddedVoice(): Promise<Voice> {
  let server;
  try {
    server = await import('@vizavi/server/voice');
  } catch (cause) {
    const problem = 'the embedded voice is not installed here; give --audio instead of --text';
    throw new VizaviError('voice_failed', problem, { cause });
  }
  return server.openVoice();
}
