import type { EchoGuard } from './echo-guard.ts';
import type { SpeechFrame } from './turn-events.ts';

/** Speech at this probability, and still speech above the other: Silero's own figures. */
const VOICE = 0.5;
const STILL_VOICE = 0.35;
/** Over the avatar's own voice. */
const VOICE_OVER_ECHO = 0.7;
/** Three frames: clicks and coughs last one or two. */
const START_MS = 96;
/** Five: longer than the one loud vowel of an echo. */
const START_OVER_ECHO_MS = 160;
/** What is so far above all echo needs no longer proof than in silence. */
const START_FAR_OVER_ECHO_MS = 96;
const FAR_DB = 6;

/** A stretch of voice: frames that may become a turn, or its continuation. */
export class VoiceRun {
  #beganMs: number | null = null;
  #voicedMs = 0;
  #farMs = 0;
  #goesOn = false;
  readonly #frameMs: number;

  constructor(frameMs: number) {
    this.#frameMs = frameMs;
  }

  /** Null: there is none. */
  get beganMs(): number | null {
    return this.#beganMs;
  }

  get voicedMs(): number {
    return this.#voicedMs;
  }

  /** The last frame was voice. */
  get goesOn(): boolean {
    return this.#goesOn;
  }

  /**
   * Takes the next frame.
   *
   * @param speaking somebody is known to speak: less voice goes on than begins
   * @param echo null: this is no echo
   */
  frame({ atMs, probability, levelDb }: SpeechFrame, speaking: boolean, echo: EchoGuard | null): void {
    const known = speaking || this.#beganMs !== null;
    const least = echo ? (known ? VOICE : VOICE_OVER_ECHO) : known ? STILL_VOICE : VOICE;
    const thresholdDb = echo?.thresholdDb ?? -Infinity;
    this.#goesOn = probability >= least && levelDb >= thresholdDb;
    if (this.#goesOn) {
      this.#beganMs ??= atMs;
      this.#voicedMs += this.#frameMs;
      if (levelDb >= thresholdDb + FAR_DB) this.#farMs += this.#frameMs;
      return;
    }
    // Weak syllables are no louder than an echo: they count against the run, and do not end it.
    this.#voicedMs -= this.#frameMs / 2;
    this.#farMs -= this.#frameMs / 2;
    if (!echo || probability < STILL_VOICE || this.#voicedMs <= 0) this.clear();
  }

  /** Whether this is enough for somebody to have begun to speak. */
  isSpeech(overEcho: boolean): boolean {
    if (!overEcho) return this.#voicedMs >= START_MS;
    return this.#voicedMs >= START_OVER_ECHO_MS || this.#farMs >= START_FAR_OVER_ECHO_MS;
  }

  clear(): void {
    this.#beganMs = null;
    this.#voicedMs = 0;
    this.#farMs = 0;
    this.#goesOn = false;
  }
}
