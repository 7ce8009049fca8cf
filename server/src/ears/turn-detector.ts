import { EchoGuard } from './echo-guard.ts';
import type { Range, SpeechFrame, TurnEvent } from './turn-events.ts';
import { VoiceRun } from './voice-run.ts';

export interface TurnDetectorOptions {
  readonly frameMs: number;
  /** Silence after which a turn is over, 100–1,800 ms. The default is a pause that few make within a sentence. */
  readonly endAfterMs?: number;
}

/** One frame after silence is a click, two are a word that goes on. */
const RESUME_MS = 64;
/** The longest stop of a plosive is 150 ms, most pauses between words are shorter than this; a guess that is wrong costs a request. */
const PROBABLE_END_MS = 192;
const END_MS = 640;
/** "No" has 200 ms of voice. */
const LEAST_SPEECH_MS = 128;
/** Unvoiced consonants before the first vowel, and a breath. */
const PRE_ROLL_MS = 300;
/** What is said until the finger lets go is still on its way. */
const RELEASE_MS = 192;
const MAX_TURN_MS = 60_000;

interface Turn {
  readonly fromMs: number;
  /** The first voice; null: a button is held, and nothing was said yet. */
  beganMs: number | null;
  /** The end of the last voice. */
  lastMs: number;
  voicedMs: number;
  /** `probableEnd` was told. */
  pausing: boolean;
  endAfterMs: number;
}

/** Frames of a microphone → when a visitor begins to speak and when the turn is over. Pure: time is what frames say. */
export class TurnDetector {
  readonly #frameMs: number;
  readonly #endAfterMs: number;
  readonly #echo: EchoGuard;
  /** In `push` mode nothing counts outside of a push. */
  mode: 'open' | 'push' = 'open';
  #turn: Turn | null = null;
  /** The voice that may become a turn, or its continuation. */
  readonly #run: VoiceRun;
  #held = false;
  #releaseAtMs: number | null = null;
  /** The last turn was ended in mid-speech. */
  #goesOnAnew = false;
  /** The end of the last frame. */
  #nowMs = 0;
  /** Sound before this belongs to an earlier turn. */
  #freeMs = 0;

  constructor({ frameMs, endAfterMs = END_MS }: TurnDetectorOptions) {
    this.#frameMs = frameMs;
    this.#endAfterMs = endAfterMs;
    this.#echo = new EchoGuard(frameMs);
    this.#run = new VoiceRun(frameMs);
  }

  /** Sound before this will not be asked for. */
  get keepFromMs(): number {
    if (this.#turn) return this.#turn.fromMs;
    return Math.max(this.#freeMs, (this.#run.beganMs ?? this.#nowMs) - PRE_ROLL_MS);
  }

  /** Ends the turn after this much silence, once: what was said is whole, or is not. No effect between turns. */
  endAfter(silenceMs: number): void {
    if (this.#turn) this.#turn.endAfterMs = silenceMs;
  }

  /** @param avatarSpeaks it can be heard now, by the visitor's microphone too */
  frame(frame: SpeechFrame, avatarSpeaks: boolean): TurnEvent[] {
    const events: TurnEvent[] = [];
    if (this.#goesOnAnew) events.push(this.#open(frame.atMs, this.#held ? null : frame.atMs));
    this.#nowMs = frame.atMs + this.#frameMs;
    const turn = this.#turn;
    this.#echo.frame(frame.levelDb, avatarSpeaks, turn !== null);
    const guarded = this.#echo.active && !this.#isPush;
    this.#run.frame(frame, turn?.pausing === false, guarded ? this.#echo : null);
    if (turn) this.#goOn(turn, events);
    else if (this.mode === 'push') this.#run.clear();
    else if (this.#run.isSpeech(guarded)) events.push(this.#open(this.keepFromMs, this.#run.beganMs));
    if (this.#turn) this.#limit(this.#turn, events);
    return events;
  }

  /** From now on everything counts. */
  pushStart(): TurnEvent[] {
    this.#releaseAtMs = null;
    if (this.#held) return [];
    this.#held = true;
    const turn = this.#turn;
    if (!turn) return [this.#open(this.#run.beganMs === null ? this.#nowMs : this.keepFromMs, null)];
    if (!turn.pausing) return [];
    turn.pausing = false;
    return [{ type: 'resumed' }];
  }

  /** The turn ends as soon as what was said until now has come. @returns whether there was a push */
  pushEnd(): boolean {
    if (!this.#held) return false;
    this.#held = false;
    this.#releaseAtMs = this.#nowMs + RELEASE_MS;
    return true;
  }

  /** Ends an open turn now: no more sound will come. */
  finish(): TurnEvent[] {
    return this.#turn ? [this.#close(this.#turn)] : [];
  }

  /** Drops an open turn. */
  cancel(): TurnEvent[] {
    const wasOpen = this.#turn !== null;
    this.#reset(this.#nowMs);
    return wasOpen ? [{ type: 'misfire' }] : [];
  }

  /** The frames that follow come from another microphone, whose time begins at 0. What was learned of the echo stays. */
  restart(): void {
    this.#reset(0);
    this.#nowMs = 0;
  }

  #open(fromMs: number, beganMs: number | null): TurnEvent {
    this.#goesOnAnew = false;
    this.#turn = {
      fromMs,
      beganMs,
      lastMs: beganMs === null ? fromMs : this.#nowMs,
      voicedMs: beganMs === null ? 0 : this.#run.voicedMs,
      pausing: false,
      endAfterMs: this.#endAfterMs,
    };
    return { type: 'speechStarted', beganMsAgo: beganMs === null ? 0 : this.#nowMs - beganMs };
  }

  #goOn(turn: Turn, events: TurnEvent[]): void {
    const run = this.#run;
    if (run.goesOn && (!turn.pausing || run.voicedMs >= RESUME_MS)) {
      if (turn.pausing) events.push({ type: 'resumed' });
      turn.voicedMs += turn.pausing ? run.voicedMs : this.#frameMs;
      turn.pausing = false;
      turn.endAfterMs = this.#endAfterMs;
      turn.beganMs ??= run.beganMs;
      turn.lastMs = this.#nowMs;
    }
    if (this.#releaseAtMs !== null) {
      if (this.#nowMs >= this.#releaseAtMs) events.push(this.#close(turn));
      return;
    }
    if (this.#held || (turn.pausing && run.beganMs !== null)) return;
    const silenceMs = this.#nowMs - turn.lastMs;
    if (silenceMs >= turn.endAfterMs) events.push(this.#close(turn));
    else if (silenceMs >= PROBABLE_END_MS && !turn.pausing && turn.voicedMs >= LEAST_SPEECH_MS) {
      turn.pausing = true;
      events.push({ type: 'probableEnd', ...this.#range(turn) });
    }
  }

  /** Ends speech that is too long; with the next frame it begins anew. */
  #limit(turn: Turn, events: TurnEvent[]): void {
    if (this.#nowMs + this.#frameMs - turn.fromMs <= MAX_TURN_MS) return;
    const goesOn = this.#held || !turn.pausing;
    const [held, release] = [this.#held, this.#releaseAtMs];
    events.push(this.#close(turn));
    if (!goesOn) return;
    [this.#held, this.#releaseAtMs] = [held, release];
    this.#goesOnAnew = true;
  }

  #close(turn: Turn): TurnEvent {
    const range = this.#range(turn);
    const { beganMs, lastMs, voicedMs } = turn;
    const least = this.#isPush ? RESUME_MS : LEAST_SPEECH_MS;
    this.#reset(range.toMs);
    if (beganMs === null || voicedMs < least) return { type: 'misfire' };
    return { type: 'ended', ...range, durationMs: lastMs - beganMs, silenceMs: this.#nowMs - lastMs };
  }

  /** With as much of the silence after it as it takes to see a probable end; a push has it all. */
  #range(turn: Turn): Range {
    const toMs = this.#isPush ? this.#nowMs : Math.min(this.#nowMs, turn.lastMs + PROBABLE_END_MS);
    return { fromMs: turn.fromMs, toMs };
  }

  get #isPush(): boolean {
    return this.#held || this.#releaseAtMs !== null;
  }

  #reset(freeMs: number): void {
    this.#turn = null;
    this.#run.clear();
    this.#held = false;
    this.#releaseAtMs = null;
    this.#goesOnAnew = false;
    this.#freeMs = freeMs;
  }
}
