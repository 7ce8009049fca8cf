import { Worker } from 'node:worker_threads';
import type { CudaDriver } from '../src/cuda/cuda-driver.ts';
import { DeviceMemory } from '../src/cuda/device-buffers.ts';
import { hostNowMs } from '../src/model-runner.ts';
import type { Timeline } from '../src/timeline.ts';
import type { HostReport, HostTicket, HostWork } from './host-thread.ts';

/** Decodes one latent frame after another into device memory; calls only enqueue on the compute stream. */
export interface ChunkDecoder {
  /** Frames that one latent frame becomes. */
  readonly chunkFrames: number;
  readonly frameBytes: number;
  decode(chunk: number, out: number): void;
}

export interface VideoJob {
  /** `async`: decode, copy and host work of three chunks overlap. `sync`: one after another, as naive code does. */
  readonly mode: 'sync' | 'async';
  readonly memory: 'pinned' | 'pageable';
  readonly chunks: number;
  readonly work: HostWork;
  /** Modelled time over real time; 1 on a real device. */
  readonly speed: number;
}

export interface VideoResult {
  readonly wallMs: number;
  /** Kernels running: the decoder's time by the device's own events. */
  readonly kernelMs: number;
  readonly copyMs: number;
  readonly hostMs: number;
  /** Share of the time from the first kernel to the last in which kernels ran. */
  readonly busyShare: number;
  readonly copiedBytes: number;
  /** Frames that were lost, doubled, out of order or torn. */
  readonly badFrames: number;
}

/** Entries of the ring: one is decoded, one copied, one in the host's hands. */
const ENTRIES = 3;
const PAGE_BYTES = 4096;

/**
 * The published experiment's loop (Asynchronous Frame Generation Pipeline): latents in, frames out, each chunk copied off
 * the device and worked on by the host. This thread is the enqueuer; the host thread reaps and works.
 */
export async function runVideoJob(
  driver: CudaDriver,
  library: string,
  computeStream: number,
  decoder: ChunkDecoder,
  job: VideoJob,
  timeline?: Timeline,
): Promise<VideoResult> {
  const bytes = decoder.chunkFrames * decoder.frameBytes;
  const memory = new DeviceMemory(driver);
  const copyStream = driver.createStream();
  const released = new Int32Array(new SharedArrayBuffer(4));
  const ring = Array.from({ length: ENTRIES }, () => {
    const host = new SharedArrayBuffer(bytes + 2 * PAGE_BYTES);
    const address =
      job.memory === 'pinned'
        ? memory.pin(host, PAGE_BYTES, bytes).address
        : driver.addressOf(host, PAGE_BYTES);
    return { device: memory.allocate(bytes), host, address, copied: memory.event() };
  });
  const stamps = Array.from({ length: job.chunks }, () => ({
    start: memory.event(),
    decoded: memory.event(),
    copied: memory.event(),
  }));
  const host = new Worker(new URL('./host-thread.ts', import.meta.url), {
    name: 'host',
    workerData: { library, released, work: job.work, frameBytes: decoder.frameBytes },
  });
  const reports: HostReport[] = [];
  await new Promise((resolve, reject) => {
    host.once('message', resolve);
    host.once('error', reject);
  });
  const done = new Promise<void>((resolve, reject) => {
    host.on('message', (report: HostReport) => {
      reports.push(report);
      if (reports.length === job.chunks) resolve();
    });
    host.on('error', reject);
  });

  const startMs = hostNowMs();
  for (let chunk = 0; chunk < job.chunks; chunk += 1) {
    const inHand = job.mode === 'sync' ? 1 : ENTRIES;
    waitUntil(released, chunk - inHand + 1);
    const entry = ring[chunk % ENTRIES];
    const stamp = stamps[chunk];
    if (!entry || !stamp) break;
    driver.streamWait(computeStream, entry.copied);
    driver.record(stamp.start, computeStream);
    decoder.decode(chunk, entry.device);
    driver.record(stamp.decoded, computeStream);
    if (job.mode === 'sync') driver.synchronizeStream(computeStream);
    driver.streamWait(copyStream, stamp.decoded);
    driver.copyToHost(entry.address, entry.device, bytes, copyStream);
    driver.record(entry.copied, copyStream);
    driver.record(stamp.copied, copyStream);
    if (job.mode === 'sync') driver.synchronizeStream(copyStream);
    host.postMessage({
      chunk,
      copied: stamp.copied,
      host: entry.host,
      offset: PAGE_BYTES,
    } satisfies HostTicket);
  }
  await done;
  const wallMs = (hostNowMs() - startMs) * job.speed;

  const first = stamps[0];
  const last = stamps.at(-1);
  const kernels = stamps.map(({ start, decoded }) => driver.elapsedMs(start, decoded));
  const copies = stamps.map(({ decoded, copied }) => driver.elapsedMs(decoded, copied));
  const kernelMs = sum(kernels);
  const spanMs = first && last ? driver.elapsedMs(first.start, last.decoded) : 1;
  if (timeline && first) {
    stamps.forEach((stamp, chunk) => {
      const at = driver.elapsedMs(first.start, stamp.start);
      const decodedMs = at + (kernels[chunk] ?? 0);
      timeline.add('compute stream', 'decode', { startMs: at, endMs: decodedMs }, { chunk });
      timeline.add(
        'copy stream',
        'copy to host',
        { startMs: decodedMs, endMs: decodedMs + (copies[chunk] ?? 0) },
        { chunk, bytes },
      );
    });
    const hostMs = (ms: number): number => (ms - startMs) * job.speed;
    for (const { chunk, span } of reports) {
      const hosted = { startMs: hostMs(span.startMs), endMs: hostMs(span.endMs) };
      timeline.add('host work', job.work.kind, hosted, { chunk });
    }
  }
  await host.terminate();
  memory.close();
  driver.destroyStream(copyStream);
  return {
    wallMs,
    kernelMs,
    copyMs: sum(copies),
    hostMs: sum(reports.map(({ span }) => (span.endMs - span.startMs) * job.speed)),
    busyShare: kernelMs / spanMs,
    copiedBytes: job.chunks * bytes,
    badFrames: reports.reduce(
      (bad, report, index) => bad + report.badFrames + (report.chunk === index ? 0 : 1),
      0,
    ),
  };
}

/** Sleeps until so many chunks have been released. */
function waitUntil(released: Int32Array, count: number): void {
  for (let now = Atomics.load(released, 0); now < count; now = Atomics.load(released, 0))
    Atomics.wait(released, 0, now);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
