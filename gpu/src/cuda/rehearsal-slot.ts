import type { AvatarBundle } from '../avatar-bundle.ts';
import { FrameRing } from '../frame-ring.ts';
import type { ChunkRequest } from '../model-runner.ts';
import type { DevicePipeline } from './device-pipeline.ts';

/** Silence after which a generator's state no longer moves. */
const SETTLING_CHUNKS = 10;

/** A slot of the enqueuer's own, whose frames it waits for: for still pictures and for measuring, never for a session. */
export class RehearsalSlot {
  readonly #slotId: number;
  readonly #bundle: AvatarBundle;
  readonly #pipeline: DevicePipeline;
  readonly #ring: FrameRing;
  #settled = false;

  /** @param slotId no session's: negative */
  constructor(slotId: number, bundle: AvatarBundle, pipeline: DevicePipeline) {
    this.#slotId = slotId;
    this.#bundle = bundle;
    this.#pipeline = pipeline;
    const { chunkFrames, frameBytes } = bundle;
    this.#ring = FrameRing.create({ entries: Math.max(3, chunkFrames), frameBytes });
    pipeline.attach(slotId, this.#ring.handle());
  }

  /** A chunk of silence. @param shown how many of its frames are decoded */
  chunk(frames: number, shown: number, expression?: Float32Array): ChunkRequest {
    const numbers = [...Array(shown).keys()];
    return {
      slotId: this.#slotId,
      pcm: new Float32Array(frames * this.#bundle.samplesPerFrame),
      expression: expression ?? new Float32Array(frames * this.#bundle.expression.parameters.length),
      frames,
      shown: numbers,
      reset: false,
      entries: numbers,
    };
  }

  /** The pictures of an expression in long silence, one after another. Waits for the device. */
  show(expression: Float32Array, frames: number): Uint8Array {
    const { chunkFrames, frameBytes } = this.#bundle;
    for (let chunk = 0; !this.#settled && chunk < SETTLING_CHUNKS; chunk += 1) {
      this.#pipeline.rehearse([this.chunk(chunkFrames, 0)]);
    }
    this.#settled = true;
    this.#pipeline.rehearse([this.chunk(frames, frames, expression)]);
    const pictures = new Uint8Array(frames * frameBytes);
    for (let frame = 0; frame < frames; frame += 1) {
      pictures.set(this.#ring.hostBuffer(frame), frame * frameBytes);
    }
    return pictures;
  }
}
