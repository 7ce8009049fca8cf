import { setTimeout as sleep } from 'node:timers/promises';
import { VizaviError } from '@vizavi/signaling';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { AvEncoders } from './av-encoder.ts';
import { loadAvatarBundle } from './avatar-bundle.ts';
import type { AvatarBundle } from './avatar-bundle.ts';
import { bundleFolders } from './bundle-folders.ts';
import { Capacity } from './capacity.ts';
import { readConfig } from './config.ts';
import type { Config } from './config.ts';
import { openAvatar } from './device.ts';
import type { DeviceOptions, OpenedAvatar } from './device.ts';
import { GpuWorker } from './gpu-worker.ts';

/** sysexits.h EX_CONFIG: starting again would fail in the same way. */
const EXIT_CONFIG = 78;
/** A lost device may keep its threads for ever. */
const LAST_MS = 500;

/** @throws VizaviError `invalid_bundle` when there is none, one is broken, or two have the same id */
async function readBundles({ bundlesDir, avatars }: Config): Promise<AvatarBundle[]> {
  const bundles: AvatarBundle[] = [];
  for (const folder of await bundleFolders(bundlesDir, avatars)) {
    const bundle = await loadAvatarBundle(folder);
    if (bundles.some(({ id }) => id === bundle.id))
      throw new VizaviError('invalid_bundle', `${folder}: there is another bundle with the id ${bundle.id}`);
    bundles.push(bundle);
  }
  return bundles;
}

async function open(
  bundle: AvatarBundle,
  options: DeviceOptions,
  onStep: GpuWorker['stepped'],
): Promise<OpenedAvatar> {
  const startMs = performance.now();
  const opened = await openAvatar(bundle, { onStep }, options);
  const { avatar, device } = opened;
  const loadMs = Math.round(performance.now() - startMs);
  options.log.info({ bundle: bundle.id, device, loadMs, costs: avatar.chunkCosts }, 'avatar ready');
  return opened;
}

async function openEncoders(
  config: Config,
  log: Logger,
  isGpu: boolean,
): Promise<{ encoders: AvEncoders; hardware: string | null }> {
  const encoders = new AvEncoders({
    hardware: isGpu ? 'auto' : 'off',
    device: config.device.startsWith('cuda:') ? Number(config.device.slice(5)) : 0,
    onFallback: (why) => {
      log.warn(`a slot encodes in software: ${why}`);
    },
  });
  if (!isGpu) return { encoders, hardware: null };
  const { hardware, why } = await encoders.detect();
  log.info({ hardware }, `video encoder: ${why}`);
  return { encoders, hardware };
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { worker: config.workerId } });
  const [firstBundle, ...otherBundles] = await readBundles(config);
  if (!firstBundle) return;
  let worker: GpuWorker | null = null;
  const closing = new AbortController();
  const close = async (): Promise<void> => {
    if (closing.signal.aborted) return;
    closing.abort();
    process.stdin.pause();
    await worker?.close().catch((error: unknown) => {
      log.error({ err: error }, 'closing failed');
      process.exitCode = 1;
    });
  };
  const options: DeviceOptions = {
    config,
    log,
    onFatal: (error) => {
      // Without its device this process is of no use; the supervisor starts a new one. Threads that are in the midst of
      // a network abort the process when it ends under them, so they are asked first.
      log.fatal({ err: error }, error.message);
      void Promise.race([close(), sleep(LAST_MS)]).finally(() => process.exit(1));
    },
  };
  const onStep: GpuWorker['stepped'] = (step) => worker?.stepped(step);
  const first = await open(firstBundle, options, onStep);
  const { encoders, hardware } = await openEncoders(config, log, first.isGpu);
  const machine = {
    device: first.isGpu ? 'gpu' : 'cpu',
    cores: config.cores,
    hardwareEncoder: hardware !== null,
    configured: config.slots,
  } as const;
  const offer = ({ avatar }: OpenedAvatar): Capacity => {
    const capacity = new Capacity({ avatar, machine });
    const { slots, bottleneck } = capacity;
    log.info({ bundle: avatar.bundle.id, slots, bottleneck }, 'capacity');
    return capacity;
  };
  worker = new GpuWorker({
    config,
    log,
    first: offer(first),
    others: otherBundles,
    encoders,
    codecs: ['h264', 'vp8'],
    hardwareEncoder: hardware,
    device: first.device,
  });
  const stop = (): void => void close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // A supervisor that dies takes its end of the pipe with it.
  if (config.supervised) process.stdin.on('end', stop).on('error', stop).resume();
  worker.start();
  await first.avatar.prepare();
  // The others one by one, so that none is measured while another is loaded; sessions of the first do not wait for them.
  for (const bundle of otherBundles) {
    if (closing.signal.aborted) return;
    try {
      const opened = await open(bundle, options, onStep);
      await worker.add(offer(opened));
      await opened.avatar.prepare();
    } catch (error) {
      const { message } = VizaviError.from(error);
      log.error({ bundle: bundle.id, err: error }, `this worker does without ${bundle.id}: ${message}`);
    }
  }
}

main().catch((error: unknown) => {
  const known = VizaviError.from(error);
  const { message } = known.code === 'internal' && known.cause instanceof Error ? known.cause : known;
  process.stderr.write(`vizavi-gpu: ${message}\n`);
  process.exit(known.code === 'internal' ? 1 : EXIT_CONFIG);
});
