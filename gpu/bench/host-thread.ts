import { parentPort, workerData } from 'node:worker_threads';
import { AvEncoders } from '../src/av-encoder.ts';
import { CudaDriver } from '../src/cuda/cuda-driver.ts';
import type { VideoEncoder } from '../src/encoder.ts';
import { hostNowMs } from '../src/model-runner.ts';
import type { Span } from '../src/model-runner.ts';

/** What the host does with a chunk before its buffer is free again. */
export type HostWork =
  /** Nothing. */
  | { readonly kind: 'none' }
  /** A modelled time; for simulations. */
  | { readonly kind: 'modelled'; readonly ms: number; readonly checkPattern: boolean }
  /** H.264 by the software encoder; float RGB is converted first. */
  | {
      readonly kind: 'encode';
      readonly width: number;
      readonly height: number;
      readonly pixels: 'rgb' | 'i420';
    };

export interface HostTicket {
  readonly chunk: number;
  readonly copied: number;
  readonly host: SharedArrayBuffer;
  readonly offset: number;
}

export interface HostReport {
  readonly chunk: number;
  readonly span: Span;
  readonly badFrames: number;
}

interface Setting {
  readonly library: string;
  readonly released: Int32Array;
  readonly work: HostWork;
  readonly frameBytes: number;
}

/** Frames whose words are not all the number of the frame. */
function countBad(ticket: HostTicket, frameBytes: number, frames: number): number {
  let bad = 0;
  for (let frame = 0; frame < frames; frame += 1) {
    const words = new Uint32Array(ticket.host, ticket.offset + frame * frameBytes, frameBytes / 4);
    const expected = ticket.chunk * frames + frame;
    if (!words.every((word) => word === expected)) bad += 1;
  }
  return bad;
}

/** From −1…1 to BT.601 limited range: work that a graph with an I420 tail does on the device. */
function toI420(rgb: Float32Array, width: number, height: number, out: Uint8Array): void {
  const pixels = width * height;
  const at = (channel: number, pixel: number): number => ((rgb[channel * pixels + pixel] ?? 0) + 1) * 127.5;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    out[pixel] = 16 + 0.257 * at(0, pixel) + 0.504 * at(1, pixel) + 0.098 * at(2, pixel);
  }
  const half = width / 2;
  for (let index = 0; index < pixels / 4; index += 1) {
    const corner = 2 * Math.floor(index / half) * width + 2 * (index % half);
    const mean = (channel: number): number =>
      (at(channel, corner) +
        at(channel, corner + 1) +
        at(channel, corner + width) +
        at(channel, corner + width + 1)) /
      4;
    const [r, g, b] = [mean(0), mean(1), mean(2)];
    out[pixels + index] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
    out[pixels * 1.25 + index] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
  }
}

/** A decoder's y, u and v hold all frames each; a picture holds its three planes. */
function gather(ticket: HostTicket, frame: number, frames: number, luma: number, out: Uint8Array): void {
  let from = ticket.offset;
  let to = 0;
  for (const plane of [luma, luma / 4, luma / 4]) {
    out.set(new Uint8Array(ticket.host, from + frame * plane, plane), to);
    from += frames * plane;
    to += plane;
  }
}

class Host {
  readonly #setting: Setting;
  readonly #driver: CudaDriver;
  #encoder: VideoEncoder | null = null;

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#driver = CudaDriver.open(setting.library);
    this.#driver.useDevice(0);
  }

  /** Nothing slow is left for the first chunk. */
  async open(): Promise<void> {
    const { work } = this.#setting;
    if (work.kind !== 'encode') return;
    const { width, height } = work;
    const setting = { codec: 'h264', width, height, fps: 25, bitrateBps: 4e6 } as const;
    this.#encoder = await new AvEncoders().openVideo(setting);
  }

  async take(ticket: HostTicket): Promise<HostReport> {
    this.#driver.synchronize(ticket.copied);
    const startMs = hostNowMs();
    const badFrames = await this.#work(ticket);
    const { released } = this.#setting;
    Atomics.add(released, 0, 1);
    Atomics.notify(released, 0);
    return { chunk: ticket.chunk, span: { startMs, endMs: hostNowMs() }, badFrames };
  }

  async #work(ticket: HostTicket): Promise<number> {
    const { work, frameBytes } = this.#setting;
    const frames = Math.floor((ticket.host.byteLength - 2 * ticket.offset) / frameBytes);
    if (work.kind === 'none') return 0;
    if (work.kind === 'modelled') {
      const startMs = hostNowMs();
      const bad = work.checkPattern ? countBad(ticket, frameBytes, frames) : 0;
      sleep(work.ms - (hostNowMs() - startMs));
      return bad;
    }
    const { width, height, pixels } = work;
    const picture = new Uint8Array(width * height * 1.5);
    for (let frame = 0; frame < frames; frame += 1) {
      if (pixels === 'rgb') {
        const rgb = new Float32Array(ticket.host, ticket.offset + frame * frameBytes, 3 * width * height);
        toI420(rgb, width, height, picture);
      } else {
        gather(ticket, frame, frames, width * height, picture);
      }
      await this.#encoder?.encode(picture, { keyFrame: false });
    }
    return 0;
  }
}

function sleep(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

if (parentPort) {
  const port = parentPort;
  const host = new Host(workerData as Setting);
  let work = host.open().then(() => {
    port.postMessage('ready');
  });
  port.on('message', (ticket: HostTicket) => {
    work = work.then(async () => {
      port.postMessage(await host.take(ticket));
    });
  });
}
