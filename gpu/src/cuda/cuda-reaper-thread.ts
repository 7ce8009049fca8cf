import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import { FrameRing } from '../frame-ring.ts';
import { hostNowMs } from '../model-runner.ts';
import type { ChunkResult, Span } from '../model-runner.ts';
import { CudaDriver } from './cuda-driver.ts';
import type { FromReaper, Ticket, ToReaper } from './cuda-messages.ts';
import { DeviceClock } from './device-clock.ts';

/** The reaper: waits for the device's events, and for nothing else. */
class Reaper {
  readonly #rings = new Map<number, FrameRing>();
  readonly #rowLength: number;
  readonly #driver: CudaDriver;
  readonly #clock: DeviceClock;

  constructor(driver: CudaDriver, rowLength: number) {
    this.#driver = driver;
    this.#rowLength = rowLength;
    this.#clock = new DeviceClock((from, to) => driver.elapsedMs(from, to));
  }

  attach(slotId: number, ring: FrameRing): void {
    this.#rings.set(slotId, ring);
  }

  /** Blocks until the device has done the ticket's work. */
  finish(ticket: Ticket): FromReaper {
    const { id, chunks, enqueue, copiedBytes } = ticket;
    const { start, generated, decoded, copied } = ticket.events;
    this.#driver.synchronize(decoded);
    this.#eachEntry(ticket, (ring, entry) => {
      ring.markDecoded(entry);
    });
    this.#driver.synchronize(copied);
    this.#eachEntry(ticket, (ring, entry) => {
      ring.markCopied(entry);
    });
    const seenMs = hostNowMs();
    const elapsed = (from: number, to: number): number => this.#driver.elapsedMs(from, to);
    const generateMs = elapsed(start, generated);
    const decodeMs = elapsed(generated, decoded);
    const copyMs = elapsed(decoded, copied);
    const startMs = this.#clock.place(start, seenMs - generateMs - decodeMs - copyMs);
    const span = (fromMs: number, lengthMs: number): Span => ({ startMs: fromMs, endMs: fromMs + lengthMs });
    const frames = chunks.reduce((sum, { shown }) => sum + shown.length, 0);
    const generatedFrames = chunks.reduce((sum, chunk) => sum + chunk.frames, 0);
    const params = this.#params(ticket);
    return {
      type: 'finished',
      id,
      results: chunks.map((chunk, index): ChunkResult => {
        const share = frames === 0 ? 0 : chunk.shown.length / frames;
        return {
          params: params[index] ?? null,
          generateMs: (generateMs * chunk.frames) / generatedFrames,
          decodeMs: decodeMs * share,
          copyMs: copyMs * share,
        };
      }),
      times: {
        slotIds: chunks.map(({ slotId }) => slotId),
        frames,
        copiedBytes,
        enqueue,
        generate: span(startMs, generateMs),
        decode: span(startMs + generateMs, decodeMs),
        copy: span(startMs + generateMs + decodeMs, copyMs),
      },
    };
  }

  #eachEntry(ticket: Ticket, use: (ring: FrameRing, entry: number) => void): void {
    for (const { slotId, entries } of ticket.chunks) {
      const ring = this.#rings.get(slotId);
      if (ring) for (const entry of entries) use(ring, entry);
    }
  }

  /** Own copies: the next batch of the same buffers overwrites them. */
  #params({ params, paramsOffset, chunks }: Ticket): Float32Array[] {
    if (!params) return [];
    let offset = paramsOffset;
    return chunks.map(({ shown }) => {
      const values = new Float32Array(params, offset, shown.length * this.#rowLength).slice();
      offset += values.byteLength;
      return values;
    });
  }
}

function serve(toMain: NonNullable<typeof parentPort>, port: MessagePort, posted: Int32Array): void {
  let reaper: Reaper | null = null;
  for (let seen = 0; ;) {
    const received = receiveMessageOnPort(port) as { message: ToReaper } | undefined;
    if (!received) {
      // The counter is raised after each message: an unchanged one means that none has come.
      Atomics.wait(posted, 0, seen);
      seen = Atomics.load(posted, 0);
      continue;
    }
    const { message } = received;
    if (message.type === 'close') break;
    try {
      if (message.type === 'open') {
        const driver = CudaDriver.open(message.driver);
        driver.useDevice(message.device);
        reaper = new Reaper(driver, message.rowLength);
      } else if (message.type === 'attach') {
        reaper?.attach(message.slotId, FrameRing.fromHandle(message.ring));
      } else if (reaper) {
        toMain.postMessage(reaper.finish(message.ticket));
      }
    } catch (error) {
      toMain.postMessage({ type: 'lost', error: VizaviError.from(error).toJSON() } satisfies FromReaper);
      break;
    }
  }
  port.close();
}

if (parentPort) {
  const { port, posted } = workerData as { port: MessagePort; posted: SharedArrayBuffer };
  serve(parentPort, port, new Int32Array(posted));
}
