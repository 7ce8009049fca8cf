import { VizaviError } from '@vizavi/signaling';
import { splitClauses } from '../../server/src/voice/clauses.ts';
import { findUnspeakable, speakable } from '../../server/src/voice/speakable.ts';
import type { SpeakOptions, SpeechChunk, Voice } from '../../server/src/voice/voice.ts';

const MS_PER_CHARACTER = 60;
const TONE_HZ = 220;

/** Hums: a sine of 60 ms for each character, one chunk a clause, the same every time. */
export class FakeVoice implements Voice {
  readonly sampleRate = 16_000;
  readonly voices = ['hum', 'hum-too'];
  #closed = false;

  async *speak(text: string, options: SpeakOptions = {}): AsyncGenerator<SpeechChunk, void, undefined> {
    const { voice = 'hum', signal, onSkipped } = options;
    if (!this.voices.includes(voice)) throw new VizaviError('invalid_text', `there is no voice ${voice}`);
    const check = (): void => {
      if (signal?.aborted) throw new VizaviError('interrupted', 'the speech was interrupted');
      if (this.#closed) throw new VizaviError('voice_failed', 'the voice is closed');
    };
    check();
    for (const skipped of findUnspeakable(text)) onSkipped?.(skipped);
    let startMs = 0;
    for (const { start, end } of splitClauses(text)) {
      const spoken = speakable(text.slice(start, end));
      if (!/\w/.test(spoken)) continue;
      await new Promise(setImmediate);
      check();
      const pcm = this.#hum(spoken.length * MS_PER_CHARACTER);
      const durationMs = (pcm.length * 1000) / this.sampleRate;
      yield { pcm, text: text.slice(start, end), textStart: start, textEnd: end, startMs, durationMs };
      check();
      startMs += durationMs;
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  #hum(durationMs: number): Int16Array {
    const length = (durationMs * this.sampleRate) / 1000;
    return Int16Array.from(
      { length },
      (_, n) => 8000 * Math.sin((2 * Math.PI * TONE_HZ * n) / this.sampleRate),
    );
  }
}
