import { VizaviError } from '@vizavi/signaling';
import type { Logger } from 'pino';
import { Avatar } from './avatar.ts';
import type { AvatarEvents } from './avatar.ts';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { Config } from './config.ts';
import { CudaModelRunner } from './cuda/cuda-model-runner.ts';
import { OnnxModelRunner } from './onnx-model-runner.ts';

export interface DeviceOptions {
  readonly config: Pick<Config, 'device' | 'decoder' | 'steps' | 'onnxRuntimeDir' | 'cudaDriver'>;
  readonly log: Logger;
  /** The device is lost: this process is of no use any more. */
  readonly onFatal: (error: VizaviError) => void;
}

/** Batches under way: one on the compute stream, one on the copy stream, one handed over and waiting. */
const DEPTH = 3;

export interface OpenedAvatar {
  readonly avatar: Avatar;
  /** `cpu`, or what the driver calls the device. */
  readonly device: string;
  readonly isGpu: boolean;
}

/**
 * Loads a bundle on the device that the configuration names. `auto` takes CUDA where everything is there, and says in one
 * line what is missing where it is not.
 *
 * @throws VizaviError `invalid_bundle`, `unsupported_device`
 */
export async function openAvatar(
  bundle: AvatarBundle,
  events: AvatarEvents,
  options: DeviceOptions,
): Promise<OpenedAvatar> {
  const { device } = options.config;
  if (device !== 'cpu') {
    try {
      return await openOnCuda(bundle, events, options, device === 'auto' ? 0 : Number(device.slice(5)));
    } catch (error) {
      if (device !== 'auto' || !(error instanceof VizaviError) || error.code !== 'unsupported_device')
        throw error;
      options.log.info(`no CUDA, so the CPU does it: ${error.message}`);
    }
  }
  const runner = new OnnxModelRunner({
    decoder: options.config.decoder,
    steps: options.config.steps,
    onFatal: options.onFatal,
  });
  try {
    return { avatar: await Avatar.load(bundle, runner, events), device: 'cpu', isGpu: false };
  } catch (error) {
    await runner.close();
    throw error;
  }
}

async function openOnCuda(
  bundle: AvatarBundle,
  events: AvatarEvents,
  { config, onFatal }: DeviceOptions,
  device: number,
): Promise<OpenedAvatar> {
  let ready = false;
  const runner = new CudaModelRunner({
    device,
    driver: config.cudaDriver,
    mode: 'async',
    depth: DEPTH,
    decoder: config.decoder,
    steps: config.steps,
    networks: {
      module: new URL('./cuda/ort-device-networks.ts', import.meta.url).href,
      options: { folder: config.onnxRuntimeDir },
    },
    // What fails while it is being opened is told by that call.
    onFatal: (error) => {
      if (ready) onFatal(error);
    },
  });
  try {
    const avatar = await Avatar.load(bundle, runner, events);
    // Still pictures are waited for, so a device makes them before its first session.
    await avatar.prepare();
    ready = true;
    return { avatar, device: runner.deviceName, isGpu: true };
  } catch (error) {
    await runner.close();
    throw error;
  }
}
