import { VizaviError } from '@vizavi/signaling';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { askPatiently } from '../openai/call.ts';
import { Endpoint } from '../openai/endpoint.ts';
import type { EndpointSettings } from '../openai/endpoint.ts';
import { readPcm } from '../openai/pcm-body.ts';
import { clauseByClause } from './clause-by-clause.ts';
import { findUnsayable, sayable } from './sayable.ts';
import type { Scripts } from './sayable.ts';
import type { SpeakOptions, SpeechChunk, Voice } from './voice.ts';

export interface OpenAiVoiceSettings extends EndpointSettings {
  readonly model: string;
  /** Names of the provider's voices; the first is the default. */
  readonly voices: readonly string[];
  /** What they can read. Default: all. */
  readonly scripts?: Scripts;
  /** For one clause with all tries. Default: 15 s. */
  readonly timeoutMs?: number;
  /** Default: 1. */
  readonly retries?: number;
}

const SAMPLE_RATE = 24_000;
/** No clause takes this long to say. */
const LONGEST_CLAUSE_SEC = 120;

/** Any server that speaks OpenAI's audio/speech: 16-bit PCM at 24 kHz. */
export class OpenAiVoice implements Voice {
  readonly sampleRate = SAMPLE_RATE;
  readonly voices: readonly string[];
  readonly #endpoint: Endpoint;
  readonly #settings: Required<OpenAiVoiceSettings>;
  readonly #clock: Clock;

  /** @throws VizaviError `invalid_config` */
  constructor(settings: OpenAiVoiceSettings, clock: Clock = systemClock) {
    const what = 'the speech service';
    if (settings.voices.length === 0)
      throw new VizaviError('invalid_config', `${what} needs the name of a voice`);
    this.#endpoint = new Endpoint(settings, { what, failed: 'voice_failed', timedOut: 'voice_failed' });
    this.#settings = { scripts: 'all', timeoutMs: 15_000, retries: 1, ...settings };
    this.voices = [...settings.voices];
    this.#clock = clock;
  }

  async *speak(text: string, options: SpeakOptions = {}): AsyncGenerator<SpeechChunk, void, undefined> {
    const { voice = this.voices[0] ?? '', signal, onSkipped, more = false } = options;
    const { scripts } = this.#settings;
    if (!this.voices.includes(voice)) throw new VizaviError('invalid_text', `there is no voice ${voice}`);
    const over = new AbortController();
    const stop = this.#endpoint.stopping(over.signal, ...(signal ? [signal] : []));
    const check = (): void => {
      if (stop.aborted) throw this.#endpoint.stopped();
    };
    check();
    for (const skipped of findUnsayable(text, scripts)) onSkipped?.(skipped);

    try {
      yield* clauseByClause({
        text,
        more,
        sampleRate: SAMPLE_RATE,
        spoken: (piece) => sayable(piece, scripts),
        make: (spoken) => this.#synthesise(voice, spoken, stop),
        check,
      });
    } finally {
      over.abort();
    }
  }

  close(): Promise<void> {
    this.#endpoint.close();
    return Promise.resolve();
  }

  /** A clause is read whole: its silence is taken off at both ends, and a request that breaks off can be made again. */
  #synthesise(voice: string, input: string, signal: AbortSignal): Promise<Int16Array> {
    return askPatiently(this.#endpoint, this.#settings, signal, this.#clock, async (call) => {
      const response = await this.#endpoint.client.audio.speech.create(
        { model: this.#settings.model, voice, input, response_format: 'pcm' },
        { signal: call.signal },
      );
      return readPcm(this.#endpoint, response, SAMPLE_RATE * LONGEST_CLAUSE_SEC);
    });
  }
}
