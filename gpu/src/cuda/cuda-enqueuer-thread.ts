import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import { chooseDecoder } from '../decoder-choice.ts';
import type { DecoderChoice } from '../decoder-choice.ts';
import type { ChunkRequest, Quality, WarmUp } from '../model-runner.ts';
import type { StillRequest } from '../runner-messages.ts';
import { CudaDriver } from './cuda-driver.ts';
import { CudaError } from './cuda-errors.ts';
import type {
  CudaJobName,
  CudaJobs,
  FromEnqueuer,
  LoadOptions,
  ToEnqueuer,
  ToReaper,
} from './cuda-messages.ts';
import { CudaWarmUp } from './cuda-warm-up.ts';
import type { DeviceNetworks, NetworksModule } from './device-networks.ts';
import { DevicePipeline } from './device-pipeline.ts';
import { RehearsalSlot } from './rehearsal-slot.ts';

interface Loaded {
  readonly options: LoadOptions;
  readonly driver: CudaDriver;
  readonly networks: DeviceNetworks;
  readonly computeStream: number;
  readonly pipeline: DevicePipeline;
  /** For still pictures; never a session's. */
  readonly stills: RehearsalSlot;
}

/** The enqueuer: hands work to the device and, once sessions run, never waits for it. */
class Enqueuer {
  readonly #toReaper: (message: ToReaper) => void;
  readonly #attachFaults = new Map<number, unknown>();
  #loaded: Loaded | null = null;
  #decoders: DecoderChoice | null = null;

  constructor(toReaper: (message: ToReaper) => void) {
    this.#toReaper = toReaper;
  }

  async do<J extends CudaJobName>(
    type: J,
    input: CudaJobs[J]['input'],
  ): Promise<CudaJobs[CudaJobName]['output']> {
    switch (type) {
      case 'load':
        return this.#load(input as LoadOptions);
      case 'warmUp':
        return this.#warmUp();
      case 'still':
        this.#still(input as StillRequest);
        return null;
    }
    throw new VizaviError('internal', `the enqueuer has no job ${String(type)}`);
  }

  obey(message: Extract<ToEnqueuer, { type: 'attach' | 'detach' | 'quality' }>): void {
    const { pipeline } = this.#get();
    if (message.type === 'attach') {
      this.#toReaper(message);
      this.#attachFaults.delete(message.slotId);
      try {
        pipeline.attach(message.slotId, message.ring);
      } catch (error) {
        // Nobody waits for this message's answer: the slot's first chunk tells it.
        this.#attachFaults.set(message.slotId, error);
      }
    } else if (message.type === 'detach') pipeline.detach(message.slotId);
    else this.#setQuality(message.quality);
  }

  run(id: number, batch: readonly ChunkRequest[]): void {
    for (const { slotId } of batch) {
      if (this.#attachFaults.has(slotId)) throw this.#attachFaults.get(slotId);
    }
    this.#toReaper({ type: 'ticket', ticket: this.#get().pipeline.enqueue(id, batch) });
  }

  close(): void {
    if (!this.#loaded) return;
    const { driver, networks, pipeline, computeStream, options } = this.#loaded;
    this.#loaded = null;
    pipeline.close();
    networks.close();
    driver.destroyStream(computeStream);
    driver.releaseDevice(options.device);
  }

  async #load(options: LoadOptions): Promise<{ deviceName: string }> {
    const { bundle, device, mode, depth, maxBatchFrames, decoder, steps } = options;
    const driver = CudaDriver.open(options.driver);
    driver.useDevice(device);
    const computeStream = driver.createStream();
    const { openNetworks } = (await import(options.networks.module)) as NetworksModule;
    const networks = await openNetworks({
      bundle,
      driver,
      device,
      computeStream,
      decoder,
      steps,
      options: options.networks.options,
    });
    const pipeline = new DevicePipeline({
      bundle,
      driver,
      networks,
      computeStream,
      mode,
      depth,
      maxBatchFrames,
    });
    const stills = new RehearsalSlot(-1, bundle, pipeline);
    this.#loaded = { options, driver, networks, computeStream, pipeline, stills };
    const rowLength = bundle.expression.parameters.length;
    this.#toReaper({ type: 'open', driver: options.driver, device, rowLength });
    return { deviceName: driver.describe(device).name };
  }

  #warmUp(): { warmUp: WarmUp; decoder: string } {
    const { options, driver, networks, pipeline } = this.#get();
    const measure = new CudaWarmUp({ bundle: options.bundle, driver, pipeline });
    const medians = new Map<string, number>();
    for (const variant of networks.variants) {
      networks.useVariant(variant);
      medians.set(variant, measure.chunkDecodeMs());
    }
    this.#decoders = chooseDecoder(medians, options.decoder, options.bundle.decoder.finest);
    const { chosen, fastest } = this.#decoders;
    let fastestDecoder = null;
    if (fastest !== null) {
      networks.useVariant(fastest);
      fastestDecoder = measure.costs(options.maxBatchFrames).decode;
    }
    networks.useVariant(chosen);
    networks.useSteps('fewest');
    const fewestSteps = networks.hasFewerSteps ? measure.costs(0).generate : null;
    networks.useSteps('default');
    const costs = measure.costs(options.maxBatchFrames);
    return { warmUp: { costs, fewestSteps, fastestDecoder }, decoder: chosen };
  }

  #setQuality({ steps, decoder }: Quality): void {
    this.#get().networks.useSteps(steps);
    const { chosen, fastest } = this.#decoders ?? {};
    const name = (decoder === 'fastest' ? fastest : null) ?? chosen;
    if (name !== undefined) this.#get().networks.useVariant(name);
  }

  #still({ expression, frames, out, offsetBytes }: StillRequest): void {
    const pictures = this.#get().stills.show(expression, frames);
    new Uint8Array(out).set(pictures, offsetBytes);
  }

  #get(): Loaded {
    if (this.#loaded) return this.#loaded;
    throw new VizaviError('invalid_state', 'no bundle is loaded');
  }
}

function toVizaviError(error: unknown): VizaviError {
  if (error instanceof VizaviError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new VizaviError('inference_failed', message, { cause: error });
}

function serve(toMain: NonNullable<typeof parentPort>, toReaper: MessagePort, posted: Int32Array): void {
  const enqueuer = new Enqueuer((message) => {
    toReaper.postMessage(message);
    Atomics.add(posted, 0, 1);
    Atomics.notify(posted, 0);
  });
  const answer = (message: FromEnqueuer): void => {
    toMain.postMessage(message);
  };
  const refuse = (id: number, error: unknown): void => {
    answer({
      type: 'refused',
      id,
      error: toVizaviError(error).toJSON(),
      fatal: error instanceof CudaError && error.fatal,
    });
  };
  let work = Promise.resolve();
  const obey = async (message: ToEnqueuer): Promise<void> => {
    const id = 'id' in message ? message.id : 0;
    try {
      if (message.type === 'run') enqueuer.run(message.id, message.batch);
      else if (message.type === 'close') {
        toReaper.postMessage({ type: 'close' } satisfies ToReaper);
        Atomics.add(posted, 0, 1);
        Atomics.notify(posted, 0);
        toMain.close();
        toReaper.close();
        enqueuer.close();
      } else if ('id' in message) {
        answer({ type: 'done', id: message.id, output: await enqueuer.do(message.type, message.input) });
      } else enqueuer.obey(message);
    } catch (error) {
      refuse(id, error);
    }
  };
  toMain.on('message', (message: ToEnqueuer) => {
    work = work.then(() => obey(message));
  });
}

if (parentPort) {
  const { port, posted } = workerData as { port: MessagePort; posted: SharedArrayBuffer };
  serve(parentPort, port, new Int32Array(posted));
}
