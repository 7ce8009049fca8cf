import type { Emotion } from '@vizavi/signaling';
import type { AudioBlock, AudioQueue } from './audio-queue.ts';

/** A decoded frame that waits in the ring for its tick. */
export interface ReadyFrame {
  readonly entry: number;
  /** The face parameters that it shows, where the generator tells them. */
  readonly params: Float32Array | null;
}

/** What the generator is to run next for this track. */
export interface ChunkPlan {
  /** Raised by an interrupt; what comes back for an older one is dropped. */
  readonly generation: number;
  readonly pcm: Float32Array;
  readonly frames: number;
  /** Its first outputs, which the look-ahead makes for nothing. */
  readonly skip: number;
  /** Outputs that are decoded, by their place in the chunk. */
  readonly shown: readonly number[];
  readonly reset: boolean;
  /** Expression row of the first frame fed; it may be negative. */
  readonly firstRow: number;
  /** How each frame fed is said. */
  readonly emotions: readonly Emotion[];
  /** For the frames of a release: how much of the interrupted mouth is left in each. Null otherwise. */
  readonly release: readonly number[] | null;
}

/** What one tick shows and plays. */
export type TrackStep =
  /** Idle motion, silence. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'frame'; readonly block: AudioBlock; readonly frame: ReadyFrame }
  /** The picture is late: its sound goes on under the last one; the picture will be dropped. */
  | { readonly kind: 'repeat'; readonly block: AudioBlock }
  /** No picture was made for this sound, on purpose. */
  | { readonly kind: 'omitted'; readonly block: AudioBlock }
  /** Sound and picture wait together. */
  | { readonly kind: 'hold' };

/** Silence fed after the last sound until the mouth is at rest, frames. */
const SETTLE_FRAMES = 5;
/** After an interrupt the mouth closes over these frames: what is left of its shape in each. */
const RELEASE = [0.45, 0.12] as const;
/** Pictures that may be late in a row before the sound waits for them. */
const MAX_LATE = 10;
/** Ticks that a gap in the input may last before it becomes a pause in the speech. */
const PAUSE_AFTER = 3;

interface Item {
  readonly block: AudioBlock;
  /** Null until it is made. */
  frame: ReadyFrame | 'omitted' | null;
}

/**
 * What a slot says, block by block: feeds the generator, lines its frames up with their sound across the look-ahead, and
 * decides at each tick what is shown. Knows no clock, no thread and no codec.
 */
export class SpeechTrack {
  readonly #queue: AudioQueue;
  readonly #lookahead: number;
  #mode: 'idle' | 'speaking' | 'releasing' = 'idle';
  #generation = 0;
  /** Fed to the generator and not yet played, in order. */
  #items: Item[] = [];
  #fed = 0;
  /** Outputs that have come back, decoded or left out. */
  #decoded = 0;
  #played = 0;
  /** Silent blocks fed since the last sound. */
  #tail = 0;
  /** Silent blocks that a gap in the input still wants. */
  #pause = 0;
  #inFlight = 0;
  #started = false;
  #late = 0;
  #held = 0;
  #row = 0;
  #baseRow = 0;
  #lastParams: Float32Array | null = null;

  constructor(options: {
    readonly queue: AudioQueue;
    readonly lookaheadFrames: number;
    readonly firstRow: number;
  }) {
    this.#queue = options.queue;
    this.#lookahead = options.lookaheadFrames;
    this.#row = options.firstRow;
  }

  /** Sound of an utterance has been fed and not yet played. */
  get soundAhead(): boolean {
    return this.#items.some((item) => item.block.utteranceId !== null);
  }

  /** Its first picture has been shown: from now on a late one is seen. */
  get started(): boolean {
    return this.#started;
  }

  /** Row of the idle motion that the last tick showed. */
  get row(): number {
    return this.#row;
  }

  /** Frames that are decoded, or being decoded, ahead of the tick to come. */
  get lead(): number {
    return this.#decoded - this.#played + this.#inFlight;
  }

  /** The picture of the tick to come is not there yet, and will be. */
  get awaited(): boolean {
    return !this.#items[0]?.frame && (this.wanted > 0 || this.#inFlight > 0);
  }

  /** Raised by each interrupt that cuts something off. */
  get generation(): number {
    return this.#generation;
  }

  get lastParams(): Float32Array | null {
    return this.#lastParams;
  }

  /** Most frames that {@link plan} could have decoded now; 0 when there is nothing to do. */
  get wanted(): number {
    if (this.#mode === 'releasing') return this.#fed === 0 ? RELEASE.length : 0;
    return Math.max(0, this.#feedable() - this.#skip());
  }

  /**
   * Takes the input of the next chunk, of at most `limit` outputs. Call only with 0 < limit ≤ wanted. Chunks may be
   * planned before those ahead of them are delivered.
   *
   * @param decodeEvery which outputs become pictures: 1 all, 2 every second, 0 none
   */
  plan(limit: number, decodeEvery: 0 | 1 | 2 = 1): ChunkPlan {
    if (this.#mode === 'releasing') return this.#planRelease();
    const reset = this.#mode === 'idle';
    if (reset) this.#begin();
    const skip = this.#skip();
    const blocks: AudioBlock[] = [];
    while (blocks.length < limit + skip) blocks.push(this.#feed());
    const samples = blocks[0]?.model.length ?? 0;
    const pcm = new Float32Array(blocks.length * samples);
    blocks.forEach((block, index) => {
      pcm.set(block.model, index * samples);
      this.#items.push({ block, frame: null });
    });
    const firstRow = this.#baseRow + this.#fed - this.#lookahead;
    const shown = [...blocks.keys()].filter(
      (index) =>
        index >= skip && decodeEvery > 0 && (this.#fed + index - this.#lookahead) % decodeEvery === 0,
    );
    this.#fed += blocks.length;
    this.#inFlight += blocks.length - skip;
    return {
      generation: this.#generation,
      pcm,
      frames: blocks.length,
      skip,
      shown,
      reset,
      firstRow,
      emotions: blocks.map(({ emotion }) => emotion),
      release: null,
    };
  }

  /**
   * The decoded frames of a plan, one for each that it shows. Plans come back in their order. Returns the frames that came
   * too late or belong to an older generation.
   */
  deliver(plan: ChunkPlan, frames: readonly ReadyFrame[]): readonly ReadyFrame[] {
    if (plan.generation !== this.#generation) return frames;
    this.#inFlight -= plan.frames - plan.skip;
    const unwanted: ReadyFrame[] = [];
    for (let output = plan.skip; output < plan.frames; output += 1) {
      const frame = frames[plan.shown.indexOf(output)];
      const item = this.#items[this.#decoded - this.#played];
      if (this.#decoded >= this.#played && item) item.frame = frame ?? 'omitted';
      else if (frame) unwanted.push(frame);
      this.#decoded += 1;
    }
    return unwanted;
  }

  /** The tick to come. */
  next(): TrackStep {
    const head = this.#items[0];
    if (this.#mode === 'idle' || (!this.#started && !head?.frame)) return this.#idle();
    this.#started = true;
    if (head?.frame) {
      this.#pop();
      this.#late = 0;
      this.#held = 0;
      if (head.frame === 'omitted') return { kind: 'omitted', block: head.block };
      this.#lastParams = head.frame.params;
      return { kind: 'frame', block: head.block, frame: head.frame };
    }
    if (this.#mode === 'releasing') {
      if (this.#fed === 0 || this.#inFlight > 0) return { kind: 'hold' };
      this.#end();
      return this.#idle();
    }
    if (this.#finished()) {
      this.#end();
      return this.#idle();
    }
    // A chunk is being made (or could be): the picture is late. Otherwise the input has a gap. Sound that comes no faster
    // than it is said waits with its picture: the next one then has the time that this one lacked.
    const live = this.#queue.open && this.#queue.available === 0;
    if (head && !live && (this.#inFlight > 0 || this.wanted > 0) && this.#late < MAX_LATE) {
      this.#pop();
      this.#late += 1;
      return { kind: 'repeat', block: head.block };
    }
    this.#held += 1;
    if (this.#inFlight === 0 && this.wanted === 0 && this.#held > PAUSE_AFTER) this.#pause += 1;
    return { kind: 'hold' };
  }

  /**
   * Drops everything that has not been shown; returns the decoded frames among it. A mouth that was speaking is brought
   * to rest over the next frames.
   */
  interrupt(): readonly ReadyFrame[] {
    this.#queue.clear();
    if (this.#mode === 'releasing' && this.#started) return [];
    const dropped = this.#items.flatMap((item) =>
      item.frame && item.frame !== 'omitted' ? [item.frame] : [],
    );
    const wasShown = this.#started && this.#mode === 'speaking';
    this.#generation += 1;
    this.#clear();
    this.#started = wasShown;
    this.#mode = wasShown ? 'releasing' : 'idle';
    return dropped;
  }

  /** Drops everything; returns the decoded frames among it. */
  close(): readonly ReadyFrame[] {
    this.#started = false;
    return this.interrupt();
  }

  /** The sound that would have followed, for a short fade. Before {@link interrupt}. */
  peekSound(): Int16Array | null {
    return this.#started ? (this.#items[0]?.block.wire ?? null) : null;
  }

  #idle(): TrackStep {
    this.#row += 1;
    return { kind: 'idle' };
  }

  #pop(): void {
    this.#items.shift();
    this.#played += 1;
    this.#row += 1;
  }

  #begin(): void {
    this.#clear();
    this.#mode = 'speaking';
    this.#baseRow = this.#row + 1;
  }

  #clear(): void {
    this.#items = [];
    this.#fed = this.#decoded = this.#played = 0;
    this.#inFlight = this.#tail = this.#pause = this.#late = this.#held = 0;
    this.#started = false;
  }

  #end(): void {
    this.#clear();
    this.#mode = 'idle';
  }

  /** Look-ahead outputs that the next chunk still makes. */
  #skip(): number {
    return this.#mode === 'idle' ? this.#lookahead : Math.max(0, this.#lookahead - this.#fed);
  }

  /** Blocks that could be fed now: sound, a wanted pause, or the silence after the last sound. */
  #feedable(): number {
    const sound = this.#queue.available;
    if (this.#mode === 'idle' && sound === 0) return 0;
    if (this.#queue.open) return sound + (sound === 0 ? this.#pause : 0);
    const tail = sound > 0 ? 0 : this.#tail;
    const flush = Math.max(0, this.#lookahead - tail);
    // The rest of the silence only just in time, so that a new utterance does not wait behind it.
    const settle =
      sound === 0 && flush === 0 && this.lead <= 1 && tail < this.#lookahead + SETTLE_FRAMES ? 1 : 0;
    return sound + flush + settle;
  }

  #feed(): AudioBlock {
    const block = this.#queue.shift();
    if (block) {
      this.#tail = 0;
      this.#pause = 0;
      return block;
    }
    if (this.#pause > 0) this.#pause -= 1;
    else this.#tail += 1;
    return this.#queue.silence();
  }

  /** Everything that will ever be decoded of this speech has been played. */
  #finished(): boolean {
    return this.#inFlight === 0 && !this.#queue.open && this.#queue.available === 0 && this.wanted === 0;
  }

  #planRelease(): ChunkPlan {
    const block = this.#queue.silence();
    const pcm = new Float32Array(RELEASE.length * block.model.length);
    for (let index = 0; index < RELEASE.length; index += 1) this.#items.push({ block, frame: null });
    this.#fed = RELEASE.length;
    this.#inFlight = RELEASE.length;
    return {
      generation: this.#generation,
      pcm,
      frames: RELEASE.length,
      skip: 0,
      shown: [...RELEASE.keys()],
      reset: true,
      firstRow: this.#row + 1,
      emotions: RELEASE.map(() => block.emotion),
      release: RELEASE,
    };
  }
}
