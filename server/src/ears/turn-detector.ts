import { EchoGuard } from './echo-guard.ts';

/** What is known of the sound between `atMs` and one frame later. */
export interface SpeechFrame {
  readonly atMs: number;
  /** That it is speech, 0–1. */
  readonly probability: number;
  /** Root mean square, dBFS. */
  readonly levelDb: number;
}

/** Of the microphone's own time. */
interface Range {
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

export interface TurnDetectorOptions {
  readonly frameMs: number;
  /** Silence after which a turn is over, 100–1,800 ms. The default is a pause that few make within a sentence. */
  readonly endAfterMs?: number;
}

/** Speech at this probability, and still speech above the other: Silero's own figures. */
const VOICE = 0.5;
const STILL_VOICE = 0.35;
/** Over the avatar's own voice. */
const VOICE_OVER_ECHO = 0.7;
/** Three frames: clicks and coughs last one or two. */
const START_MS = 96;
const START_OVER_ECHO_MS = 160;
/** A person far above the echo needs no longer proof than this: two thirds of a syllable. */
const START_FAR_OVER_ECHO_MS = 128;
const FAR_DB = 6;
/** One frame after silence is a click, two are a word that goes on. */
const RESUME_MS = 64;
/** The longest stop of a plosive is 150 ms, most pauses between words are shorter than this. */
const PROBABLE_END_MS = 256;
const END_MS = 640;
/** "No" has 200 ms of voice. */
const LEAST_SPEECH_MS = 128;
/** Unvoiced consonants before the first vowel, and a breath. */
const PRE_ROLL_MS = 300;
/** What is said until the finger lets go is still on its way. */
const RELEASE_MS = 192;
const MAX_TURN_MS = 60_000;

interface Run {
  readonly beganMs: number;
  voicedMs: number;
  /** Of it, far above the echo. */
  farMs: number;
  /** The last frame was of it. */
  goesOn: boolean;
}

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
  #run: Run | null = null;
  #held = false;
  #releaseAtMs: number | null = null;
  /** The end of the last frame. */
  #nowMs = 0;
  /** Sound before this belongs to an earlier turn. */
  #freeMs = 0;

  constructor({ frameMs, endAfterMs = END_MS }: TurnDetectorOptions) {
    this.#frameMs = frameMs;
    this.#endAfterMs = endAfterMs;
    this.#echo = new EchoGuard(frameMs);
  }

  /** Sound before this will not be asked for. */
  get keepFromMs(): number {
    if (this.#turn) return this.#turn.fromMs;
    return Math.max(this.#freeMs, (this.#run?.beganMs ?? this.#nowMs) - PRE_ROLL_MS);
  }

  /** Ends the turn after this much silence, once: what was said is whole, or is not. No effect between turns. */
  endAfter(silenceMs: number): void {
    if (this.#turn) this.#turn.endAfterMs = silenceMs;
  }

  /** @param avatarSpeaks it can be heard now, by the visitor's microphone too */
  frame(frame: SpeechFrame, avatarSpeaks: boolean): TurnEvent[] {
    this.#nowMs = frame.atMs + this.#frameMs;
    const events: TurnEvent[] = [];
    this.#echo.frame(frame.levelDb, avatarSpeaks, this.#turn !== null);
    this.#follow(frame);
    const turn = this.#turn;
    if (turn) this.#goOn(turn, events);
    else if (this.mode === 'open') this.#begin(events);
    else this.#run = null;
    if (this.#turn) this.#limit(this.#turn, events);
    return events;
  }

  /** From now on everything counts. */
  pushStart(): TurnEvent[] {
    this.#releaseAtMs = null;
    if (this.#held) return [];
    this.#held = true;
    const turn = this.#turn;
    if (!turn) return [this.#open(this.#run ? this.keepFromMs : this.#nowMs, null)];
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
    if (!this.#turn) return [];
    this.#reset(this.#nowMs);
    return [{ type: 'misfire' }];
  }

  /** The frames that follow come from another microphone, whose time begins at 0. What was learned of the echo stays. */
  restart(): void {
    this.#reset(0);
    this.#nowMs = 0;
  }

  /** Follows a stretch of voice, frame by frame. */
  #follow({ atMs, probability, levelDb }: SpeechFrame): void {
    const { active, thresholdDb } = this.#echo;
    const guarded = active && !this.#isPush;
    const goesOn = this.#run !== null || (this.#turn !== null && !this.#turn.pausing);
    const least = guarded ? (goesOn ? VOICE : VOICE_OVER_ECHO) : goesOn ? STILL_VOICE : VOICE;
    if (probability < least || (guarded && levelDb < thresholdDb)) {
      this.#dip(guarded && probability >= STILL_VOICE);
      return;
    }
    const run = (this.#run ??= { beganMs: atMs, voicedMs: 0, farMs: 0, goesOn: true });
    run.goesOn = true;
    run.voicedMs += this.#frameMs;
    if (levelDb >= thresholdDb + FAR_DB) run.farMs += this.#frameMs;
  }

  /** No voice in this frame; `quiet`: perhaps one that is no louder than the echo, as weak syllables are. */
  #dip(quiet: boolean): void {
    const run = this.#run;
    if (!run) return;
    run.goesOn = false;
    run.voicedMs -= this.#frameMs / 2;
    run.farMs -= this.#frameMs / 2;
    if (!quiet || run.voicedMs <= 0) this.#run = null;
  }

  #begin(events: TurnEvent[]): void {
    const run = this.#run;
    if (!run) return;
    const isPerson = run.voicedMs >= START_OVER_ECHO_MS || run.farMs >= START_FAR_OVER_ECHO_MS;
    if (!(this.#echo.active ? isPerson : run.voicedMs >= START_MS)) return;
    events.push(this.#open(Math.max(this.#freeMs, run.beganMs - PRE_ROLL_MS), run.beganMs));
  }

  #open(fromMs: number, beganMs: number | null): TurnEvent {
    this.#turn = {
      fromMs,
      beganMs,
      lastMs: beganMs === null ? fromMs : this.#nowMs,
      voicedMs: beganMs === null ? 0 : (this.#run?.voicedMs ?? 0),
      pausing: false,
      endAfterMs: this.#endAfterMs,
    };
    return { type: 'speechStarted', beganMsAgo: beganMs === null ? 0 : this.#nowMs - beganMs };
  }

  #goOn(turn: Turn, events: TurnEvent[]): void {
    const run = this.#run;
    if (run?.goesOn === true && (!turn.pausing || run.voicedMs >= RESUME_MS)) {
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
    if (this.#held || (turn.pausing && run)) return;
    const silenceMs = this.#nowMs - turn.lastMs;
    if (silenceMs >= turn.endAfterMs) events.push(this.#close(turn));
    else if (silenceMs >= PROBABLE_END_MS && !turn.pausing && turn.voicedMs >= LEAST_SPEECH_MS) {
      turn.pausing = true;
      events.push({ type: 'probableEnd', ...this.#range(turn) });
    }
  }

  /** Speech that is too long is ended, and begins anew with the next frame. */
  #limit(turn: Turn, events: TurnEvent[]): void {
    if (this.#nowMs + this.#frameMs - turn.fromMs <= MAX_TURN_MS) return;
    const goesOn = this.#held || !turn.pausing;
    const [held, release] = [this.#held, this.#releaseAtMs];
    events.push(this.#close(turn));
    if (!goesOn) return;
    [this.#held, this.#releaseAtMs] = [held, release];
    events.push(this.#open(this.#nowMs, held ? null : this.#nowMs));
  }

  #close(turn: Turn): TurnEvent {
    const range = this.#range(turn);
    const { beganMs, lastMs, voicedMs } = turn;
    const least = beganMs !== null && (this.#isPush ? RESUME_MS : LEAST_SPEECH_MS);
    this.#reset(range.toMs);
    if (least === false || voicedMs < least) return { type: 'misfire' };
    return { type: 'ended', ...range, durationMs: lastMs - (beganMs ?? 0), silenceMs: this.#nowMs - lastMs };
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
    this.#run = null;
    this.#held = false;
    this.#releaseAtMs = null;
    this.#freeMs = freeMs;
  }
}
