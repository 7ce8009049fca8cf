import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { DecoderChoice } from './decoder-choice.ts';
import { FrameRing } from './frame-ring.ts';
import { hostNowMs } from './model-runner.ts';
import type { BatchTimes, ChunkRequest, ChunkResult, Quality } from './model-runner.ts';
import type { FromThread, JobName, OnnxJobs, ToThread } from './onnx-messages.ts';
import type { StillRequest } from './runner-messages.ts';
import { OnnxNetworks } from './onnx-networks.ts';
import type { ModelState } from './onnx-networks.ts';
import { warmUp } from './onnx-warm-up.ts';

/** Silence after which the generator's state no longer moves. */
const SETTLING_CHUNKS = 10;

interface SlotState {
  readonly ring: FrameRing;
  state: ModelState;
}

/**
 * Pacing and encoding go first where cores are scarce: they need little, but on time, and inference has a lead. On Linux
 * the call is for the calling thread alone; elsewhere it would slow the whole process.
 */
if (process.platform === 'linux') setPriority(0, 5);

/** The inference thread: does one job after another, and nothing else. ONNX Runtime blocks it while it runs. */
class OnnxThread {
  readonly #slots = new Map<number, SlotState>();
  #bundle: AvatarBundle | null = null;
  #networks: OnnxNetworks | null = null;
  #silentState: ModelState | null = null;
  #wanted = 'auto';
  #decoders: DecoderChoice | null = null;

  async do<J extends JobName>(type: J, input: OnnxJobs[J]['input']): Promise<OnnxJobs[JobName]['output']> {
    switch (type) {
      case 'load': {
        const options = input as OnnxJobs['load']['input'];
        this.#networks = await OnnxNetworks.open(options);
        this.#bundle = options.bundle;
        this.#wanted = options.decoder;
        return null;
      }
      case 'warmUp': {
        const { bundle, networks } = this.#loaded();
        const { warmUp: measured, decoders } = await warmUp(networks, bundle, this.#wanted);
        this.#decoders = decoders;
        return { warmUp: measured, decoder: decoders.chosen };
      }
      case 'run':
        return this.#run(input as ChunkRequest);
      case 'still':
        await this.#still(input as StillRequest);
        return null;
    }
    throw new VizaviError('internal', `the inference thread has no job ${String(type)}`);
  }

  attach(slotId: number, ring: FrameRing): void {
    this.#slots.set(slotId, { ring, state: this.#loaded().networks.initialState() });
  }

  detach(slotId: number): void {
    this.#slots.delete(slotId);
  }

  setQuality({ steps, decoder }: Quality): void {
    this.#loaded().networks.useSteps(steps);
    const { chosen, fastest } = this.#decoders ?? {};
    const name = (decoder === 'fastest' ? fastest : null) ?? chosen;
    if (name !== undefined) this.#loaded().networks.useVariant(name);
  }

  async close(): Promise<void> {
    await this.#networks?.close();
  }

  async #run(request: ChunkRequest): Promise<{ result: ChunkResult; times: BatchTimes }> {
    const { bundle, networks } = this.#loaded();
    const { slotId, pcm, expression, frames, shown, entries } = request;
    const slot = this.#slots.get(slotId);
    if (!slot) throw new VizaviError('inference_failed', `slot ${slotId} is not attached`);
    const startMs = hostNowMs();
    const before = request.reset ? networks.initialState() : slot.state;
    const generated = await networks.generate(pcm, expression, frames, before);
    const generatedMs = hostNowMs();
    let decodedMs = generatedMs;
    let copyMs = 0;
    const latents = pick(generated.latents, generated.latents.length / frames, shown);
    const latentSize = latents.length / Math.max(1, shown.length);
    for (let first = 0; first < shown.length; first += bundle.chunkFrames) {
      const end = Math.min(shown.length, first + bundle.chunkFrames);
      const batch = entries.slice(first, end);
      await networks.decode(latents.subarray(first * latentSize, end * latentSize), end - first);
      for (const entry of batch) slot.ring.markDecoded(entry);
      decodedMs = hostNowMs();
      for (const [index, entry] of batch.entries()) {
        networks.copyFrame(index, slot.ring.hostBuffer(entry));
        slot.ring.markCopied(entry);
      }
      copyMs += hostNowMs() - decodedMs;
    }
    // Only now: a chunk that failed half-way may be run again.
    slot.state = generated.state;
    const endMs = hostNowMs();
    const params = generated.params && pick(generated.params, bundle.expression.parameters.length, shown);
    return {
      result: {
        params,
        generateMs: generatedMs - startMs,
        decodeMs: endMs - generatedMs - copyMs,
        copyMs,
      },
      times: {
        slotIds: [slotId],
        frames: shown.length,
        copiedBytes: shown.length * bundle.frameBytes,
        enqueue: { startMs, endMs: startMs },
        generate: { startMs, endMs: generatedMs },
        decode: { startMs: generatedMs, endMs: endMs - copyMs },
        copy: { startMs: endMs - copyMs, endMs },
      },
    };
  }

  async #still({ expression, frames, out, offsetBytes }: StillRequest): Promise<void> {
    const { bundle, networks } = this.#loaded();
    const silence = new Float32Array(frames * bundle.samplesPerFrame);
    this.#silentState ??= await settle(networks, bundle);
    const { latents } = await networks.generate(silence, expression, frames, this.#silentState);
    await networks.decode(latents, frames);
    for (let frame = 0; frame < frames; frame += 1) {
      networks.copyFrame(
        frame,
        new Uint8Array(out, offsetBytes + frame * bundle.frameBytes, bundle.frameBytes),
      );
    }
  }

  #loaded(): { bundle: AvatarBundle; networks: OnnxNetworks } {
    if (this.#bundle && this.#networks) return { bundle: this.#bundle, networks: this.#networks };
    throw new VizaviError('invalid_state', 'no bundle is loaded');
  }
}

/** The rows of the shown frames; no copy where they lie together. */
function pick(rows: Float32Array, length: number, shown: readonly number[]): Float32Array {
  const first = shown[0] ?? 0;
  if (shown.every((frame, index) => frame === first + index)) {
    return rows.subarray(first * length, (first + shown.length) * length);
  }
  const out = new Float32Array(shown.length * length);
  shown.forEach((frame, index) => {
    out.set(rows.subarray(frame * length, (frame + 1) * length), index * length);
  });
  return out;
}

/** The state of a slot that has heard nothing for a while. */
async function settle(networks: OnnxNetworks, bundle: AvatarBundle): Promise<ModelState> {
  const frames = bundle.chunkFrames;
  const silence = new Float32Array(frames * bundle.samplesPerFrame);
  const rest = new Float32Array(frames * bundle.expression.parameters.length);
  let state = networks.initialState();
  for (let chunk = 0; chunk < SETTLING_CHUNKS; chunk += 1) {
    state = (await networks.generate(silence, rest, frames, state)).state;
  }
  return state;
}

function toVizaviError(error: unknown): VizaviError {
  if (error instanceof VizaviError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VizaviError('inference_failed', message, { cause: error });
}

function serve(port: NonNullable<typeof parentPort>): void {
  const thread = new OnnxThread();
  let closing = false;
  let work = Promise.resolve();
  const answer = (message: FromThread): void => {
    port.postMessage(message);
  };
  const obey = async (message: Exclude<ToThread, { type: 'close' }>): Promise<void> => {
    if (closing) return;
    if (message.type === 'attach') thread.attach(message.slotId, FrameRing.fromHandle(message.ring));
    else if (message.type === 'detach') thread.detach(message.slotId);
    else if (message.type === 'quality') thread.setQuality(message.quality);
    else {
      await thread.do(message.type, message.input).then(
        (output) => {
          answer({ id: message.id, output });
        },
        (error: unknown) => {
          answer({ id: message.id, error: toVizaviError(error).toJSON() });
        },
      );
    }
  };
  port.on('message', (message: ToThread) => {
    if (message.type === 'close') {
      closing = true;
      work = work
        .then(() => thread.close())
        .then(() => {
          port.close();
        });
    } else {
      work = work.then(() => obey(message));
    }
  });
}

if (parentPort) serve(parentPort);
