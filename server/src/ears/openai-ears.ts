import { z } from 'zod';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { askPatiently } from '../openai/call.ts';
import { Endpoint } from '../openai/endpoint.ts';
import type { EndpointSettings } from '../openai/endpoint.ts';
import { wavFile } from '../openai/wav.ts';
import { EARS_SAMPLE_RATE } from './ears.ts';
import type { Ears, TranscribeOptions } from './ears.ts';

export interface OpenAiEarsSettings extends EndpointSettings {
  readonly model: string;
  /** For one transcription with all tries. Default: 15 s. */
  readonly timeoutMs?: number;
  /** Default: 1. */
  readonly retries?: number;
}

/** Providers refuse what is shorter, and no word is. */
const LEAST_MS = 100;

const answerSchema = z.object({ text: z.string() });

/** Any server that speaks OpenAI's audio/transcriptions. */
export class OpenAiEars implements Ears {
  readonly name = 'openai';
  readonly #endpoint: Endpoint;
  readonly #settings: Required<OpenAiEarsSettings>;
  readonly #clock: Clock;

  /** @throws VizaviError `invalid_config` */
  constructor(settings: OpenAiEarsSettings, clock: Clock = systemClock) {
    const what = 'the transcription service';
    this.#endpoint = new Endpoint(settings, { what, failed: 'ears_failed', timedOut: 'timeout' });
    this.#settings = { timeoutMs: 15_000, retries: 1, ...settings };
    this.#clock = clock;
  }

  async transcribe(pcm: Int16Array, { language, signal }: TranscribeOptions): Promise<string> {
    const stop = this.#endpoint.stopping(signal);
    if (stop.aborted) throw this.#endpoint.stopped();
    if (pcm.length < (EARS_SAMPLE_RATE * LEAST_MS) / 1000) return '';
    const file = new File([wavFile(pcm, EARS_SAMPLE_RATE)], 'speech.wav', { type: 'audio/wav' });
    const { model } = this.#settings;
    // It is asked for as ISO 639-1: en-GB is en.
    const spoken = language?.split('-')[0]?.toLowerCase();
    return askPatiently(this.#endpoint, this.#settings, stop, this.#clock, async (call) => {
      const answer: unknown = await this.#endpoint.client.audio.transcriptions.create(
        { file, model, response_format: 'json', ...(spoken !== undefined && { language: spoken }) },
        { signal: call.signal },
      );
      const read = answerSchema.safeParse(answer);
      if (!read.success) throw this.#endpoint.failed('answered with what cannot be read', false);
      return read.data.text.trim();
    });
  }

  close(): Promise<void> {
    this.#endpoint.close();
    return Promise.resolve();
  }
}
