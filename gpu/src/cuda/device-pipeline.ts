import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from '../avatar-bundle.ts';
import type { FrameRingHandle } from '../frame-ring.ts';
import { hostNowMs } from '../model-runner.ts';
import type { ChunkRequest } from '../model-runner.ts';
import type { CudaDriver } from './cuda-driver.ts';
import type { PipelineMode, Ticket } from './cuda-messages.ts';
import { bufferSizes, DeviceMemory } from './device-buffers.ts';
import type { BatchEvents, BufferSizes, DeviceBuffers } from './device-buffers.ts';
import type { DeviceNetworks, DevicePointer } from './device-networks.ts';
import { SlotStates } from './slot-states.ts';
import type { SlotState } from './slot-states.ts';

export interface DevicePipelineOptions {
  readonly bundle: AvatarBundle;
  readonly driver: CudaDriver;
  readonly networks: DeviceNetworks;
  /** The stream that `networks` run on. */
  readonly computeStream: number;
  readonly mode: PipelineMode;
  readonly depth: number;
  readonly maxBatchFrames: number;
}

interface PinnedRing {
  readonly handle: FrameRingHandle;
  /** Of the first entry's host buffer. */
  readonly address: number;
}

/**
 * The asynchronous frame generation pipeline: upload → compute stream (generate, decode) → copy stream, joined by events.
 * In `async` mode no call waits for the device. A batch's buffers come round again after `depth + 1` batches; their next
 * user waits on the device, not on the host, until they have been copied.
 */
export class DevicePipeline {
  readonly #options: DevicePipelineOptions;
  readonly #sizes: BufferSizes;
  readonly #memory: DeviceMemory;
  readonly #sets: readonly DeviceBuffers[];
  /** For what is waited for: sets that go round may still be read by the reaper. */
  readonly #rehearsal: DeviceBuffers;
  readonly #states: SlotStates;
  readonly #rings = new Map<number, PinnedRing>();
  readonly #uploadStream: number;
  readonly #copyStream: number;
  #next = 0;

  constructor(options: DevicePipelineOptions) {
    const { bundle, driver, maxBatchFrames, depth } = options;
    this.#options = options;
    this.#sizes = bufferSizes(bundle, maxBatchFrames);
    this.#memory = new DeviceMemory(driver);
    this.#uploadStream = driver.createStream();
    this.#copyStream = driver.createStream();
    this.#states = new SlotStates(bundle, driver, this.#memory);
    this.#sets = Array.from({ length: depth + 1 }, () => this.#memory.buffers(this.#sizes, maxBatchFrames));
    this.#rehearsal = this.#memory.buffers(this.#sizes, maxBatchFrames);
  }

  /**
   * A new session on the slot: its state is the initial one. Memory is kept from the slot's last session.
   *
   * @throws CudaError
   */
  attach(slotId: number, handle: FrameRingHandle): void {
    const { host, offsetBytes, entries, strideBytes } = handle;
    const address = this.#options.driver.addressOf(host, offsetBytes);
    if (this.#rings.get(slotId)?.address !== address) {
      this.#memory.pin(host, offsetBytes, entries * strideBytes);
      this.#rings.set(slotId, { handle, address });
    }
    this.#states.attach(slotId);
  }

  detach(slotId: number): void {
    this.#states.detach(slotId);
  }

  /** Hands a batch to the device. @throws VizaviError `inference_failed`; the slots' states are then as before */
  enqueue(id: number, batch: readonly ChunkRequest[]): Ticket {
    const set = this.#sets[this.#next % this.#sets.length] as DeviceBuffers;
    const ticket = this.#enqueue(id, batch, set);
    this.#next += 1;
    return ticket;
  }

  /** Runs a batch that no session waits for, and waits for it. @throws VizaviError `inference_failed` */
  rehearse(batch: readonly ChunkRequest[]): BatchEvents {
    this.#enqueue(0, batch, this.#rehearsal);
    this.finish();
    return this.#rehearsal.events;
  }

  #enqueue(id: number, batch: readonly ChunkRequest[], set: DeviceBuffers): Ticket {
    const startMs = hostNowMs();
    const { bundle, driver, computeStream: compute, mode, networks } = this.#options;
    const lanes = batch.map((chunk) => this.#lane(chunk));
    const shown = lanes.reduce((sum, { chunk }) => sum + chunk.shown.length, 0);
    this.#checkSize(batch, shown);
    const { events } = set;

    this.#upload(set, batch);
    driver.streamWait(compute, events.uploaded);
    driver.streamWait(compute, events.copied);
    driver.record(events.start, compute);
    this.#generate(set, lanes);
    driver.record(events.generated, compute);
    const { latents, y, u, v } = set;
    if (shown > 0) networks.decode({ frames: shown, latents, y, u, v });
    driver.record(events.decoded, compute);
    if (mode === 'sync') driver.synchronizeStream(compute);

    driver.streamWait(this.#copyStream, events.decoded);
    this.#copyOut(set, lanes);
    driver.record(events.copied, this.#copyStream);
    if (mode === 'sync') driver.synchronizeStream(this.#copyStream);
    for (const { state } of lanes) state.flip();
    return {
      id,
      events,
      enqueue: { startMs, endMs: hostNowMs() },
      copiedBytes: shown * bundle.frameBytes,
      params: bundle.generator.hasParams ? set.paramsOut.memory : null,
      paramsOffset: set.paramsOut.offset,
      chunks: batch.map(({ slotId, frames, shown, entries }) => ({ slotId, frames, shown, entries })),
    };
  }

  /** Waits until the device has done all that was enqueued. */
  finish(): void {
    const { driver, computeStream } = this.#options;
    driver.synchronizeStream(computeStream);
    driver.synchronizeStream(this.#copyStream);
  }

  close(): void {
    const { driver } = this.#options;
    driver.synchronizeStream(this.#uploadStream);
    this.finish();
    this.#memory.close();
    driver.destroyStream(this.#uploadStream);
    driver.destroyStream(this.#copyStream);
  }

  #lane(chunk: ChunkRequest): Lane {
    const ring = this.#rings.get(chunk.slotId);
    const state = this.#states.of(chunk.slotId);
    if (!ring) throw new VizaviError('inference_failed', `slot ${chunk.slotId} is not attached`);
    return { chunk, ring, state };
  }

  #checkSize(batch: readonly ChunkRequest[], shown: number): void {
    const { lanes, laneFrames } = this.#sizes;
    const longest = Math.max(...batch.map(({ frames }) => frames));
    if (batch.length <= lanes && longest <= laneFrames && shown <= this.#options.maxBatchFrames) return;
    const problem = `${batch.length} chunks of up to ${longest} frames, ${shown} of them shown, are too many for a batch`;
    throw new VizaviError('inference_failed', problem);
  }

  #upload(set: DeviceBuffers, batch: readonly ChunkRequest[]): void {
    const { driver } = this.#options;
    const { inputLane, expressionOffset } = this.#sizes;
    const { staging, inputs, events } = set;
    batch.forEach(({ pcm, expression }, lane) => {
      const offset = staging.offset + lane * inputLane;
      new Float32Array(staging.memory, offset, pcm.length).set(pcm);
      new Float32Array(staging.memory, offset + expressionOffset, expression.length).set(expression);
    });
    driver.copyToDevice(inputs, staging.address, batch.length * inputLane, this.#uploadStream);
    driver.record(events.uploaded, this.#uploadStream);
  }

  #generate(set: DeviceBuffers, lanes: readonly Lane[]): void {
    const { bundle, driver, networks, computeStream } = this.#options;
    const { inputLane, expressionOffset, latentLane, paramsLane, latents } = this.#sizes;
    let cursor = set.latents;
    lanes.forEach(({ chunk, state }, lane) => {
      const generated = set.generated + lane * latentLane;
      networks.generate({
        frames: chunk.frames,
        pcm: set.inputs + lane * inputLane,
        expression: set.inputs + lane * inputLane + expressionOffset,
        states: state.next(chunk.reset, computeStream),
        latents: generated,
        params: bundle.generator.hasParams ? set.params + lane * paramsLane : null,
      });
      for (const { first, count } of runs(chunk.shown)) {
        driver.copyOnDevice(cursor, generated + first * latents, count * latents, computeStream);
        cursor += count * latents;
      }
    });
  }

  /** Straight into the ring entries' host buffers; neighbours among them share a copy. */
  #copyOut(set: DeviceBuffers, lanes: readonly Lane[]): void {
    const { bundle, driver } = this.#options;
    const { luma, expression, paramsLane } = this.#sizes;
    const chroma = luma / 4;
    let frame = 0;
    let paramsAddress = set.paramsOut.address;
    lanes.forEach(({ chunk, ring }, lane) => {
      const { strideBytes } = ring.handle;
      for (const { first, count } of runs(chunk.entries)) {
        const host = ring.address + first * strideBytes;
        const plane = (device: DevicePointer, rowBytes: number, offset: number): void => {
          driver.copyRowsToHost(
            {
              device: device + frame * rowBytes,
              devicePitch: rowBytes,
              host: host + offset,
              hostPitch: strideBytes,
              rowBytes,
              rows: count,
            },
            this.#copyStream,
          );
        };
        plane(set.y, luma, 0);
        plane(set.u, chroma, luma);
        plane(set.v, chroma, luma + chroma);
        frame += count;
      }
      if (!bundle.generator.hasParams) return;
      for (const { first, count } of runs(chunk.shown)) {
        const from = set.params + lane * paramsLane + first * expression;
        driver.copyToHost(paramsAddress, from, count * expression, this.#copyStream);
        paramsAddress += count * expression;
      }
    });
  }
}

interface Lane {
  readonly chunk: ChunkRequest;
  readonly ring: PinnedRing;
  readonly state: SlotState;
}

/** Neighbours in a list of numbers: 2, 3, 4, 7 is a run of three from 2 and a run of one from 7. */
function runs(numbers: readonly number[]): { first: number; count: number }[] {
  const found: { first: number; count: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && last.first + last.count === number) last.count += 1;
    else found.push({ first: number, count: 1 });
  }
  return found;
}
