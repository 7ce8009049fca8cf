import { VizaviError } from '@vizavi/signaling';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { AvEncoders } from './av-encoder.ts';
import { loadAvatarBundle } from './avatar-bundle.ts';
import { bundleFolders } from './bundle-folders.ts';
import { Capacity } from './capacity.ts';
import { readConfig } from './config.ts';
import type { Config } from './config.ts';
import type { LadderStep } from './deadline-ladder.ts';
import { openAvatar } from './device.ts';
import type { OpenedAvatar } from './device.ts';
import { GpuWorker } from './gpu-worker.ts';

/** sysexits.h EX_CONFIG: starting again would fail in the same way. */
const EXIT_CONFIG = 78;

/**
 * Loads the bundles: one after another while they are measured, then together.
 *
 * @throws VizaviError when there is none, or one is broken
 */
async function loadAvatars(
  config: Config,
  log: Logger,
  onStep: (step: LadderStep) => void,
): Promise<Map<string, OpenedAvatar>> {
  const loading = new Map<string, Promise<OpenedAvatar>>();
  const onFatal = (error: VizaviError): void => {
    // Without its device this process is of no use; the supervisor starts a new one.
    log.fatal({ err: error }, error.message);
    process.exit(1);
  };
  for (const folder of await bundleFolders(config.bundlesDir, config.avatars)) {
    const bundle = await loadAvatarBundle(folder);
    if (loading.has(bundle.id))
      throw new VizaviError('invalid_bundle', `${folder}: there is another bundle with the id ${bundle.id}`);
    const startMs = performance.now();
    await new Promise<void>((onWarm, onFailed) => {
      const opening = openAvatar(bundle, { onStep, onWarm }, { config, log, onFatal }).then((opened) => {
        const { avatar, device } = opened;
        const loadMs = Math.round(performance.now() - startMs);
        log.info({ bundle: bundle.id, device, loadMs, costs: avatar.chunkCosts }, 'avatar ready');
        return opened;
      });
      opening.catch(onFailed);
      loading.set(bundle.id, opening);
    });
  }
  const avatars = new Map<string, OpenedAvatar>();
  for (const [id, opening] of loading) avatars.set(id, await opening);
  return avatars;
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { worker: config.workerId } });
  let onStep: (step: LadderStep) => void = () => undefined;
  const opened = await loadAvatars(config, log, (step) => {
    onStep(step);
  });
  const isGpu = [...opened.values()].some((avatar) => avatar.isGpu);
  const ordinal = config.device.startsWith('cuda:') ? Number(config.device.slice(5)) : 0;
  const encoders = new AvEncoders({
    hardware: isGpu ? 'auto' : 'off',
    device: ordinal,
    onFallback: (why) => {
      log.warn(`a slot encodes in software: ${why}`);
    },
  });
  const { hardware, why } = isGpu ? await encoders.detect() : { hardware: null, why: '' };
  if (isGpu) log.info({ hardware }, `video encoder: ${why}`);
  const capacities = [...opened.values()].map(
    ({ avatar }) =>
      new Capacity({
        avatar,
        machine: {
          device: isGpu ? 'gpu' : 'cpu',
          cores: config.cores,
          hardwareEncoder: hardware !== null,
          configured: config.slots,
        },
      }),
  );
  log.info({ limits: capacities.map(({ slots, bottleneck }) => ({ slots, bottleneck })) }, 'capacity');
  const worker = new GpuWorker({
    config,
    log,
    avatars: new Map([...opened].map(([id, { avatar }]) => [id, avatar])),
    encoders,
    codecs: ['h264', 'vp8'],
    capacities,
    hardwareEncoder: hardware,
    device: [...new Set([...opened.values()].map(({ device }) => device))].join(', '),
  });
  onStep = (step) => {
    worker.stepped(step);
  };
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    process.stdin.pause();
    worker.close().catch((error: unknown) => {
      log.error({ err: error }, 'closing failed');
      process.exitCode = 1;
    });
  };
  process.once('SIGTERM', close);
  process.once('SIGINT', close);
  // A supervisor that dies takes its end of the pipe with it.
  if (config.supervised) process.stdin.on('end', close).on('error', close).resume();
  worker.start();
  for (const { avatar } of opened.values()) await avatar.prepare();
}

main().catch((error: unknown) => {
  const known = VizaviError.from(error);
  const { message } = known.code === 'internal' && known.cause instanceof Error ? known.cause : known;
  process.stderr.write(`vizavi-gpu: ${message}\n`);
  // Inference threads may already run.
  process.exit(known.code === 'internal' ? 1 : EXIT_CONFIG);
});
