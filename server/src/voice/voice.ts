/** A piece of synthesised speech, in the order in which it is to be heard. */
export interface SpeechChunk {
  /** Mono PCM, 16 bit, at the voice's {@link Voice.sampleRate}. Never empty. */
  readonly pcm: Int16Array;
  /** The words that this chunk says, as they stand in the text. */
  readonly text: string;
  /** Where `text` stands in the whole text: UTF-16 offsets, end exclusive. */
  readonly textStart: number;
  readonly textEnd: number;
  /** When the chunk begins, counted from the start of the speech. */
  readonly startMs: number;
  readonly durationMs: number;
}

/** What a voice could not say and left out. */
export interface SkippedText {
  readonly text: string;
  readonly textStart: number;
  readonly textEnd: number;
}

export interface SpeakOptions {
  /** A voice name of {@link Voice.voices}; the first one when absent. */
  readonly voice?: string;
  /** Ends the synthesis: the iterator throws `interrupted` at its next step, queued work is dropped. */
  readonly signal?: AbortSignal;
  /** More text follows: its last clause ends with a pause, as the others do. */
  readonly more?: boolean;
  /** Told once for each run of text that the voice cannot say. */
  readonly onSkipped?: (skipped: SkippedText) => void;
}

/** Text to speech. */
export interface Voice {
  /** Hz. */
  readonly sampleRate: number;
  readonly voices: readonly string[];
  /**
   * Speaks `text`, clause by clause; the first chunk comes after its own clause alone has been made. Text with nothing
   * to say yields nothing. The consumer's pace is the voice's pace: at most one clause is made ahead.
   *
   * @throws VizaviError `interrupted` once `signal` aborts, `voice_failed` when synthesis fails, `invalid_text` when
   *   `voice` is unknown.
   */
  speak(text: string, options?: SpeakOptions): AsyncIterable<SpeechChunk>;
  close(): Promise<void>;
}
