/** Hz of the sound that ears are given. */
export const EARS_SAMPLE_RATE = 16_000;

export interface TranscribeOptions {
  /** BCP 47, such as `en`; absent: the ears find out. */
  readonly language?: string | undefined;
  /** Ends the work: rejects with `interrupted`. */
  readonly signal: AbortSignal;
}

/** Speech to text. */
export interface Ears {
  /** For logs and figures. */
  readonly name: string;
  /**
   * What is said in `pcm`: mono, 16 bit, {@link EARS_SAMPLE_RATE}. Empty when nothing is.
   *
   * @throws VizaviError `interrupted` once the signal aborts, `timeout`, `ears_failed`
   */
  transcribe(pcm: Int16Array, options: TranscribeOptions): Promise<string>;
  close(): Promise<void>;
}
