import type { Emotion } from '@vizavi/signaling';
import type { AudioBlock, AudioQueue } from './audio-queue.ts';
import type { ChunkPlan, ReadyFrame, TrackStep } from './chunk-plan.ts';

/** Silence fed after the last sound until the face is at rest, frames. */
const SETTLE_FRAMES = 9;
/** Frames without sound are made only just before they are shown, so that a first word does not wait behind them. */
const BRIDGE_LEAD = 2;
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
  #mode: 'idle' | 'speaking' | 'bridging' = 'idle';
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
  /** Frames without sound that are still to be made. */
  #bridge = 0;
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
    if (this.#mode === 'bridging')
      return this.#soundWaits ? 0 : Math.min(this.#bridge, Math.max(0, BRIDGE_LEAD - this.lead));
    return Math.max(0, this.#feedable() - this.#skip());
  }

  /**
   * Takes the input of the next chunk, of at most `limit` outputs. Call only with 0 < limit ≤ wanted. Chunks may be
   * planned before those ahead of them are delivered.
   *
   * @param decodeEvery which outputs become pictures: 1 all, 2 every second, 0 none
   */
  plan(limit: number, decodeEvery: 0 | 1 | 2 = 1): ChunkPlan {
    if (this.#mode === 'bridging') return this.#planBridge(limit);
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
      gestures: blocks.map(({ gesture }) => gesture),
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
    if (this.#mode === 'bridging') {
      if (this.wanted > 0 || this.#inFlight > 0) return { kind: 'hold' };
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

  /** The next frames are to be made although nothing is said in them; what is being said goes before. */
  bridge(frames: number): void {
    if (this.#mode === 'speaking' || frames === 0 || this.#soundWaits) return;
    if (this.#mode === 'idle') this.#beginBridge();
    this.#bridge = frames;
  }

  /** Of the row of an idle tick there is no picture: it is the next to be made, unless nothing can be made now. */
  missed(): void {
    if (this.#mode === 'idle' && (!this.#soundWaits || this.wanted > 0)) this.#row -= 1;
  }

  /**
   * Drops everything that has not been shown; returns the decoded frames among it. A face that was speaking is brought to
   * rest by the frames of a {@link bridge}.
   */
  interrupt(): readonly ReadyFrame[] {
    this.#queue.clear();
    if (this.#mode === 'bridging') return [];
    const dropped = this.#items.flatMap((item) =>
      item.frame && item.frame !== 'omitted' ? [item.frame] : [],
    );
    const wasShown = this.#started && this.#mode === 'speaking';
    this.#generation += 1;
    this.#end();
    if (wasShown) this.#beginBridge();
    return dropped;
  }

  /** Drops everything; returns the decoded frames among it. */
  close(): readonly ReadyFrame[] {
    this.#started = false;
    if (this.#mode === 'bridging') this.#mode = 'speaking';
    return this.interrupt();
  }

  /** The sound that would have followed, for a short fade. Before {@link interrupt}. */
  peekSound(): Int16Array | null {
    return this.#started ? (this.#items[0]?.block.wire ?? null) : null;
  }

  #idle(): TrackStep {
    // The rows of a speech whose first frame is being made follow this one: the motion waits for it.
    if (this.#mode === 'idle') this.#row += 1;
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

  #beginBridge(): void {
    this.#begin();
    this.#mode = 'bridging';
    this.#started = true;
  }

  get #soundWaits(): boolean {
    return this.#queue.available > 0;
  }

  #clear(): void {
    this.#items = [];
    this.#fed = this.#decoded = this.#played = 0;
    this.#inFlight = this.#tail = this.#pause = this.#bridge = this.#late = this.#held = 0;
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
    const unsettled = this.#lookahead + SETTLE_FRAMES - tail;
    const settle = sound === 0 && flush === 0 && this.lead <= 1 ? Math.min(BRIDGE_LEAD, unsettled) : 0;
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

  #planBridge(limit: number): ChunkPlan {
    const frames = Math.min(limit, this.#bridge);
    const block = this.#queue.silence();
    const reset = this.#fed === 0;
    const firstRow = this.#baseRow + this.#fed;
    for (let index = 0; index < frames; index += 1) this.#items.push({ block, frame: null });
    this.#bridge -= frames;
    this.#fed += frames;
    this.#inFlight += frames;
    return {
      generation: this.#generation,
      pcm: new Float32Array(frames * block.model.length),
      frames,
      skip: 0,
      shown: [...Array(frames).keys()],
      reset,
      firstRow,
      emotions: Array<Emotion>(frames).fill(block.emotion),
      gestures: [],
    };
  }
}
