import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VizaviError } from '@vizavi/signaling';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { AvEncoders } from './av-encoder.ts';
import { Avatar } from './avatar.ts';
import { loadAvatarBundle } from './avatar-bundle.ts';
import { readConfig } from './config.ts';
import type { Config } from './config.ts';
import { GpuWorker } from './gpu-worker.ts';
import { OnnxModelRunner } from './onnx-model-runner.ts';
import { slotsFor } from './slot-budget.ts';

/** sysexits.h EX_CONFIG: starting again would fail in the same way. */
const EXIT_CONFIG = 78;

/** Loads every bundle in the folder. @throws VizaviError when there is none, or one is broken */
async function loadAvatars(config: Config, log: Logger): Promise<Map<string, Avatar>> {
  const entries = await readdir(config.bundlesDir, { withFileTypes: true }).catch((cause: unknown) => {
    throw new VizaviError('invalid_bundle', `${config.bundlesDir}: no such folder`, { cause });
  });
  const avatars = new Map<string, Avatar>();
  for (const entry of entries.filter((candidate) => candidate.isDirectory())) {
    const bundle = await loadAvatarBundle(join(config.bundlesDir, entry.name));
    const startMs = performance.now();
    const runner = new OnnxModelRunner({
      decoder: config.decoder,
      onFatal: (error) => {
        // Without its inference thread this process is of no use; the supervisor starts a new one.
        log.fatal({ err: error }, error.message);
        process.exit(1);
      },
    });
    const avatar = await Avatar.load(bundle, runner);
    avatars.set(bundle.id, avatar);
    const loadMs = Math.round(performance.now() - startMs);
    log.info({ bundle: bundle.id, loadMs, costs: avatar.costs }, 'avatar ready');
  }
  if (avatars.size === 0) {
    throw new VizaviError('invalid_bundle', `${config.bundlesDir}: no avatar bundle in this folder`);
  }
  return avatars;
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { worker: config.workerId } });
  const avatars = await loadAvatars(config, log);
  const costs = [...avatars.values()].map((avatar) => avatar.costs);
  const worker = new GpuWorker({
    config,
    log,
    avatars,
    encoders: new AvEncoders(),
    codecs: ['h264', 'vp8'],
    slots: config.slots ?? slotsFor(costs, config.cores),
    device: 'cpu',
  });
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
}

main().catch((error: unknown) => {
  const known = VizaviError.from(error);
  const { message } = known.code === 'internal' && known.cause instanceof Error ? known.cause : known;
  process.stderr.write(`vizavi-gpu: ${message}\n`);
  // Inference threads may already run.
  process.exit(known.code === 'internal' ? 1 : EXIT_CONFIG);
});
