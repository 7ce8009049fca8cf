import type { SpeakOptions, SpeechChunk, Voice } from '../voice/voice.ts';
import { Script } from './script.ts';

/**
 * What a voice makes of a text, or of a script, as one run of chunks whose places and times count from its start.
 *
 * @throws VizaviError as {@link Voice.speak}, and what the script throws
 */
export async function* voiced(
  voice: Voice,
  text: string | Script,
  options: SpeakOptions,
): AsyncGenerator<SpeechChunk, void, undefined> {
  if (!(text instanceof Script)) {
    yield* voice.speak(text, options);
    return;
  }
  let offset = 0;
  let startMs = 0;
  for await (const { text: sentence, more } of text) {
    const place = <T extends { readonly textStart: number; readonly textEnd: number }>(part: T): T => ({
      ...part,
      textStart: part.textStart + offset,
      textEnd: part.textEnd + offset,
    });
    let endMs = startMs;
    const chunks = voice.speak(sentence, {
      ...options,
      more,
      onSkipped: (skipped) => options.onSkipped?.(place(skipped)),
    });
    for await (const chunk of chunks) {
      endMs = startMs + chunk.startMs + chunk.durationMs;
      yield { ...place(chunk), startMs: startMs + chunk.startMs };
    }
    offset += sentence.length;
    startMs = endMs;
  }
}
