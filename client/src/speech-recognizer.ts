/** The part of the browser's SpeechRecognition that is used here; TypeScript's library does not have it. */
export interface Recognition {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: RecognitionResults) => void) | null;
  onerror: ((event: { readonly error: string }) => void) | null;
  onend: (() => void) | null;
  /** Newer browsers listen to the track; older ones ignore it and open the microphone themselves. */
  start(track?: MediaStreamTrack): void;
  stop(): void;
  abort(): void;
}
export type RecognitionConstructor = new () => Recognition;

interface RecognitionResults {
  readonly resultIndex: number;
  readonly results: ArrayLike<ArrayLike<{ readonly transcript: string }> & { readonly isFinal: boolean }>;
}

export interface SpeechRecognizerOptions {
  readonly create: RecognitionConstructor;
  /** BCP 47. */
  readonly lang: string;
  readonly onHeard: (text: string, final: boolean) => void;
  /** It will not recognise anything (any more). */
  readonly onUnavailable: (reason: 'refused' | 'failed') => void;
}

/** Browsers end a recognition after a minute or after silence; this one goes on. */
const RESTART_MS = 250;
/** Ends without a result before it counts as broken. */
const MAX_FAILURES = 5;
/** Last words come so long after the end was asked for. */
const LAST_WORDS_MS = 1500;
const REFUSED = ['not-allowed', 'service-not-allowed'];
const FAILED = ['network', 'language-not-supported', 'audio-capture'];

/** The browser's own speech to text, kept going between `start` and `stop`. */
export class SpeechRecognizer {
  readonly #options: SpeechRecognizerOptions;
  #recognition: Recognition | null = null;
  #track: MediaStreamTrack | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #wanted = false;
  #onEnded: (() => void) | null = null;

  constructor(options: SpeechRecognizerOptions) {
    this.#options = options;
  }

  start(track: MediaStreamTrack): void {
    this.#track = track;
    if (this.#wanted) return;
    this.#wanted = true;
    this.#failures = 0;
    // One that is still ending starts again when it has ended.
    if (!this.#recognition) this.#begin();
  }

  /** Resolves when the last words are there. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#wanted = false;
    const recognition = this.#recognition;
    if (!recognition) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LAST_WORDS_MS);
      this.#onEnded = () => {
        clearTimeout(timer);
        resolve();
      };
      recognition.stop();
    });
    this.#onEnded = null;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#wanted = false;
    const recognition = this.#recognition;
    this.#recognition = null;
    this.#onEnded?.();
    if (!recognition) return;
    recognition.onresult = recognition.onerror = recognition.onend = null;
    recognition.abort();
  }

  #begin(): void {
    const recognition = new this.#options.create();
    this.#recognition = recognition;
    recognition.lang = this.#options.lang;
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.onresult = (event) => {
      this.#onResults(event);
    };
    recognition.onerror = ({ error }) => {
      if (REFUSED.includes(error)) this.#giveUp('refused');
      else if (FAILED.includes(error)) this.#failures += 1;
    };
    recognition.onend = () => {
      this.#ended();
    };
    try {
      if (this.#track) recognition.start(this.#track);
    } catch {
      // Already started elsewhere in this page, or the track has ended: it may work in a moment.
      this.#failures += 1;
      this.#ended();
    }
  }

  #ended(): void {
    this.#recognition = null;
    this.#onEnded?.();
    if (!this.#wanted) return;
    if (this.#failures >= MAX_FAILURES) this.#giveUp('failed');
    else
      this.#timer = setTimeout(() => {
        this.#begin();
      }, RESTART_MS);
  }

  #giveUp(reason: 'refused' | 'failed'): void {
    if (!this.#wanted) return;
    this.close();
    this.#options.onUnavailable(reason);
  }

  #onResults({ resultIndex, results }: RecognitionResults): void {
    this.#failures = 0;
    let unfinished = '';
    for (let at = resultIndex; at < results.length; at += 1) {
      const text = results[at]?.[0]?.transcript.trim() ?? '';
      if (text === '') continue;
      if (results[at]?.isFinal) this.#options.onHeard(text, true);
      else unfinished += `${unfinished && ' '}${text}`;
    }
    if (unfinished !== '') this.#options.onHeard(unfinished, false);
  }
}

export function browserRecognition(): RecognitionConstructor | null {
  const scope = globalThis as {
    SpeechRecognition?: RecognitionConstructor;
    webkitSpeechRecognition?: RecognitionConstructor;
  };
  return scope.SpeechRecognition ?? scope.webkitSpeechRecognition ?? null;
}
