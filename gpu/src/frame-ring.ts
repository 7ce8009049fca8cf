import { VizaviError } from '@vizavi/signaling';

/** The states of an entry, in their order. The hand-overs between them are those of FrameRing's methods. */
const STATES = ['free', 'acquired', 'decoded', 'copied', 'leased'] as const;
export type FrameState = (typeof STATES)[number];

/** Pictures start where vector instructions like to load. */
const ALIGNMENT_BYTES = 64;
/** Left free at both ends: a device pins whole pages, and must not pin what lies beside the ring. */
const MARGIN_BYTES = 4096;

export interface FrameRingOptions {
  /** ≥ 3: one is decoded, one copied, one read. */
  readonly entries: number;
  readonly frameBytes: number;
}

/** What another thread needs to use the same ring. */
export interface FrameRingHandle {
  readonly entries: number;
  readonly frameBytes: number;
  readonly states: SharedArrayBuffer;
  /** The host buffers, `strideBytes` apart from `offsetBytes` on. A device pins this memory. */
  readonly host: SharedArrayBuffer;
  readonly offsetBytes: number;
  readonly strideBytes: number;
}

/** The right to read one entry's host buffer. */
export interface FrameLease {
  /** One I420 picture. Valid until `release`. */
  readonly bytes: Buffer;
  /** Host → compute: the entry may be decoded into again. @throws VizaviError `invalid_state` the second time */
  release(): void;
}

/**
 * A bounded set of frame buffers between decoder and encoder. An entry goes from hand to hand:
 * free → *acquired* (compute) → *decoded* (copy) → *copied* (host) → leased → *released*, that is free. Entries may be
 * released in any order. A full ring makes the inference loop wait; it drops nothing.
 *
 * The states lie in shared memory, so the thread that decodes and the thread that encodes see the same ring.
 */
export class FrameRing {
  readonly #handle: FrameRingHandle;
  readonly #states: Int32Array;
  readonly #host: readonly Buffer[];
  #next = 0;

  private constructor(handle: FrameRingHandle) {
    this.#handle = handle;
    this.#states = new Int32Array(handle.states);
    const { host, offsetBytes, strideBytes } = handle;
    this.#host = Array.from({ length: handle.entries }, (_, entry) =>
      Buffer.from(host, offsetBytes + entry * strideBytes, handle.frameBytes),
    );
  }

  static create({ entries, frameBytes }: FrameRingOptions): FrameRing {
    if (entries < 3) throw new VizaviError('invalid_state', `a frame ring needs 3 entries, not ${entries}`);
    const strideBytes = Math.ceil(frameBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    return new FrameRing({
      entries,
      frameBytes,
      states: new SharedArrayBuffer(entries * Int32Array.BYTES_PER_ELEMENT),
      host: new SharedArrayBuffer(entries * strideBytes + 2 * MARGIN_BYTES),
      offsetBytes: MARGIN_BYTES,
      strideBytes,
    });
  }

  static fromHandle(handle: FrameRingHandle): FrameRing {
    return new FrameRing(handle);
  }

  handle(): FrameRingHandle {
    return this.#handle;
  }

  get entries(): number {
    return this.#handle.entries;
  }

  get frameBytes(): number {
    return this.#handle.frameBytes;
  }

  /** Entries that `acquire` can still give. */
  get free(): number {
    return this.#host.reduce((count, _, entry) => count + (this.stateOf(entry) === 'free' ? 1 : 0), 0);
  }

  /** Entries in use. */
  get occupancy(): number {
    return this.entries - this.free;
  }

  stateOf(entry: number): FrameState {
    const state = STATES[Atomics.load(this.#states, this.#check(entry))];
    if (state === undefined)
      throw new VizaviError('internal', `frame ring: entry ${entry} has no valid state`);
    return state;
  }

  /** Takes a free entry to decode into; null when the ring is full. Never waits. */
  acquire(): number | null {
    for (let tried = 0; tried < this.entries; tried += 1) {
      const entry = (this.#next + tried) % this.entries;
      if (!this.#swap(entry, 'free', 'acquired')) continue;
      this.#next = (entry + 1) % this.entries;
      return entry;
    }
    return null;
  }

  /** Compute → copy: the picture is in the device buffer. @throws VizaviError `invalid_state` */
  markDecoded(entry: number): void {
    this.#move(entry, 'acquired', 'decoded');
  }

  /** Copy → host: the picture is in the host buffer. @throws VizaviError `invalid_state` */
  markCopied(entry: number): void {
    this.#move(entry, 'decoded', 'copied');
  }

  /** The host buffer of an entry, for the one who copies into it. */
  hostBuffer(entry: number): Buffer {
    return this.#host[this.#check(entry)] as Buffer;
  }

  /** @throws VizaviError `invalid_state` when the entry holds no copied picture */
  lease(entry: number): FrameLease {
    this.#move(entry, 'copied', 'leased');
    let released = false;
    return {
      bytes: this.hostBuffer(entry),
      release: () => {
        if (released) throw new VizaviError('invalid_state', `frame ring: entry ${entry} was released twice`);
        released = true;
        this.#move(entry, 'leased', 'free');
      },
    };
  }

  /**
   * Gives an entry back whose picture nobody will read. Not while a run that decodes into it is under way.
   *
   * @throws VizaviError `invalid_state` when it is free or leased
   */
  abandon(entry: number): void {
    const state = this.stateOf(entry);
    if (state === 'free' || state === 'leased') throw wrongState(entry, state, 'acquired, decoded or copied');
    this.#move(entry, state, 'free');
  }

  #move(entry: number, from: FrameState, to: FrameState): void {
    if (!this.#swap(this.#check(entry), from, to)) throw wrongState(entry, this.stateOf(entry), from);
  }

  #swap(entry: number, from: FrameState, to: FrameState): boolean {
    const expected = STATES.indexOf(from);
    return Atomics.compareExchange(this.#states, entry, expected, STATES.indexOf(to)) === expected;
  }

  #check(entry: number): number {
    if (this.#host[entry] !== undefined) return entry;
    throw new VizaviError('invalid_state', `frame ring: there is no entry ${entry}`);
  }
}

function wrongState(entry: number, is: FrameState, must: string): VizaviError {
  return new VizaviError('invalid_state', `frame ring: entry ${entry} is ${is}, must be ${must}`);
}
