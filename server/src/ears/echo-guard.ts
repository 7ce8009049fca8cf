/** After the avatar's last word its sound is still on the way to the visitor's loudspeaker and back. */
const ECHO_TAIL_MS = 300;
/**
 * So loud, in dBFS, are the peaks of the echo taken to be before any has been heard: a canceller that has yet to adapt
 * leaves so much. A person at a usual distance is 10 dB louder.
 */
const UNKNOWN_DB = -34;
const LOWEST_DB = -60;
/** What is to be a person stands out by so much. Echoes of speech were seen to reach 3 dB above what was learned. */
const MARGIN_DB = 7;
/** A frame counts for the echo after this long: by then it would be known if a person had begun to speak. */
const DELAY_MS = 640;
/** Of the way to a louder frame, each frame, but no more than a little: the first word of a person is not learned. */
const RISE = 0.5;
const MAX_RISE_DB = 1;
/** Slow enough to last from word to word. */
const FALL_DB_PER_S = 6;

/**
 * Learns how loud the microphone hears the avatar itself, behind the browser's echo canceller, and says how loud a
 * person has to be while the avatar speaks. Pure: time is what frames last.
 */
export class EchoGuard {
  readonly #frameMs: number;
  readonly #recent: number[] = [];
  #peakDb = UNKNOWN_DB;
  #tailMs = 0;

  constructor(frameMs: number) {
    this.#frameMs = frameMs;
  }

  /** Whether the last frame may hold the avatar's own voice. */
  get active(): boolean {
    return this.#tailMs > 0;
  }

  /** dBFS that a frame needs, to be a person's. */
  get thresholdDb(): number {
    return this.#peakDb + MARGIN_DB;
  }

  /** Takes the next frame. @param isPerson it is known to be a person: nothing is to be learned of it */
  frame(levelDb: number, avatarSpeaks: boolean, isPerson: boolean): void {
    this.#tailMs = avatarSpeaks ? ECHO_TAIL_MS + this.#frameMs : Math.max(0, this.#tailMs - this.#frameMs);
    if (isPerson || !this.active) {
      this.#recent.length = 0;
      return;
    }
    this.#recent.push(levelDb);
    if (this.#recent.length * this.#frameMs > DELAY_MS) this.#learn(this.#recent.shift() ?? LOWEST_DB);
  }

  #learn(levelDb: number): void {
    if (levelDb > this.#peakDb) this.#peakDb += Math.min(MAX_RISE_DB, RISE * (levelDb - this.#peakDb));
    else this.#peakDb = Math.max(LOWEST_DB, this.#peakDb - (FALL_DB_PER_S * this.#frameMs) / 1000);
  }
}
