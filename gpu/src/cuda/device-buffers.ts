import type { AvatarBundle } from '../avatar-bundle.ts';
import type { CudaDriver } from './cuda-driver.ts';
import type { DevicePointer } from './device-networks.ts';

/** Pinned memory leaves a page at both ends, so that no page is shared with memory of others. */
const PAGE_BYTES = 4096;
const FLOAT_BYTES = 4;

/** Host memory that the device can read and write while the host goes on. */
export interface PinnedMemory {
  readonly memory: SharedArrayBuffer;
  readonly offset: number;
  /** The address of `offset`. */
  readonly address: number;
}

/** Everything that one batch needs on the device: an entry of the device's side of the frame ring. */
export interface DeviceBuffers {
  /** Host to device: PCM and expression of each chunk, in lanes. */
  readonly staging: PinnedMemory;
  readonly inputs: DevicePointer;
  /** What the generators give, in lanes. */
  readonly generated: DevicePointer;
  readonly params: DevicePointer;
  readonly paramsOut: PinnedMemory;
  /** The shown frames of all chunks side by side, as the decoder wants them. */
  readonly latents: DevicePointer;
  readonly y: DevicePointer;
  readonly u: DevicePointer;
  readonly v: DevicePointer;
  readonly events: BatchEvents;
}

/** The driver's handles; *decoded* and *copied* are the hand-overs of the frame ring. */
export interface BatchEvents {
  readonly uploaded: number;
  readonly start: number;
  readonly generated: number;
  readonly decoded: number;
  readonly copied: number;
}

/** Bytes. A lane holds one chunk of a batch at an address that stays the same from batch to batch. */
export interface BufferSizes {
  readonly lanes: number;
  readonly laneFrames: number;
  readonly pcm: number;
  readonly expression: number;
  readonly latents: number;
  readonly luma: number;
  readonly inputLane: number;
  readonly expressionOffset: number;
  readonly latentLane: number;
  readonly paramsLane: number;
}

/** Device tensors begin where vector loads like it. */
const align = (bytes: number): number => Math.ceil(bytes / 256) * 256;

export function bufferSizes(bundle: AvatarBundle, maxBatchFrames: number): BufferSizes {
  const laneFrames = 2 * bundle.chunkFrames + bundle.lookaheadFrames;
  const pcm = bundle.samplesPerFrame * FLOAT_BYTES;
  const expression = bundle.expression.parameters.length * FLOAT_BYTES;
  const latents = bundle.latentShape.reduce((product, length) => product * length, FLOAT_BYTES);
  const expressionOffset = align(laneFrames * pcm);
  return {
    lanes: maxBatchFrames,
    laneFrames,
    pcm,
    expression,
    latents,
    luma: bundle.width * bundle.height,
    inputLane: expressionOffset + align(laneFrames * expression),
    expressionOffset,
    latentLane: align(laneFrames * latents),
    paramsLane: align(laneFrames * expression),
  };
}

/** Allocates device and pinned memory and gives all of it back at once. */
export class DeviceMemory {
  readonly #driver: CudaDriver;
  readonly #pointers: DevicePointer[] = [];
  /** Holds the memory too: it must not be collected while it is pinned. */
  readonly #pinned: PinnedMemory[] = [];
  readonly #events: number[] = [];

  constructor(driver: CudaDriver) {
    this.#driver = driver;
  }

  allocate(bytes: number): DevicePointer {
    const pointer = this.#driver.allocate(bytes);
    this.#pointers.push(pointer);
    return pointer;
  }

  event(): number {
    const event = this.#driver.createEvent();
    this.#events.push(event);
    return event;
  }

  /** Pins memory of which the caller leaves a page free at both ends. */
  pin(memory: SharedArrayBuffer, offset: number, bytes: number): PinnedMemory {
    const pinned = { memory, offset, address: this.#driver.pin(memory, offset, bytes) };
    this.#pinned.push(pinned);
    return pinned;
  }

  pinned(bytes: number): PinnedMemory {
    return this.pin(new SharedArrayBuffer(bytes + 2 * PAGE_BYTES), PAGE_BYTES, bytes);
  }

  buffers(sizes: BufferSizes, maxBatchFrames: number): DeviceBuffers {
    const { lanes, luma, latents, expression, inputLane, latentLane, paramsLane } = sizes;
    return {
      staging: this.pinned(lanes * inputLane),
      inputs: this.allocate(lanes * inputLane),
      generated: this.allocate(lanes * latentLane),
      params: this.allocate(lanes * paramsLane),
      paramsOut: this.pinned(maxBatchFrames * expression),
      latents: this.allocate(maxBatchFrames * latents),
      y: this.allocate(maxBatchFrames * luma),
      u: this.allocate((maxBatchFrames * luma) / 4),
      v: this.allocate((maxBatchFrames * luma) / 4),
      events: {
        uploaded: this.event(),
        start: this.event(),
        generated: this.event(),
        decoded: this.event(),
        copied: this.event(),
      },
    };
  }

  /** The device must have finished. */
  close(): void {
    for (const { address } of this.#pinned.splice(0)) this.#driver.unpin(address);
    for (const event of this.#events.splice(0)) this.#driver.destroyEvent(event);
    for (const pointer of this.#pointers.splice(0)) this.#driver.free(pointer);
  }
}
