/** What is known of the sound between `atMs` and one frame later. */
export interface SpeechFrame {
  readonly atMs: number;
  /** That it is speech, 0–1. */
  readonly probability: number;
  /** Root mean square, dBFS. */
  readonly levelDb: number;
}

/** Of the microphone's own time. */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * A turn is `speechStarted (probableEnd resumed)* probableEnd? (ended | misfire)`; turns do not overlap, nor do their sounds.
 * Between `probableEnd` and `ended` nothing is added: both have the same range.
 */
export type TurnEvent =
  | { readonly type: 'speechStarted'; readonly beganMsAgo: number }
  | ({ readonly type: 'probableEnd' } & Range)
  | { readonly type: 'resumed' }
  /** `durationMs`: from the first to the last voice. `silenceMs`: since the last voice. */
  | ({ readonly type: 'ended'; readonly durationMs: number; readonly silenceMs: number } & Range)
  | { readonly type: 'misfire' };
