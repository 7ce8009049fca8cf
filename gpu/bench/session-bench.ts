import { fileURLToPath } from 'node:url';
import { Avatar } from '../src/avatar.ts';
import { loadAvatarBundle } from '../src/avatar-bundle.ts';
import { AvEncoders } from '../src/av-encoder.ts';
import type { PipelineMode } from '../src/cuda/cuda-messages.ts';
import { CudaModelRunner } from '../src/cuda/cuda-model-runner.ts';
import type { DeviceUsage } from '../src/device-meter.ts';
import type { Encoders, VideoEncoder } from '../src/encoder.ts';
import { LiveStream } from '../src/live-stream.ts';
import { hostNowMs } from '../src/model-runner.ts';
import { Speaker } from '../src/speaker.ts';
import { SlotMeter } from '../src/stage-stats.ts';
import type { Timeline } from '../src/timeline.ts';
import type { BenchDevice } from './bench-device.ts';

const MIRA = fileURLToPath(new URL('../bundles/mira', import.meta.url));
const RATE = 16_000;
/** Sound is pushed in pieces of this length, so far ahead. */
const PIECE_S = 0.2;
const AHEAD_S = 2;
const DEPTH = 3;
const SETTLE_S = 1;

export interface SessionResult {
  readonly sessions: number;
  readonly frames: number;
  /** Share of the frames that left in time, each with its own picture. */
  readonly onTime: number;
  readonly late: number;
  readonly repeated: number;
  readonly dropped: number;
  readonly busyShare: number;
  readonly copiedMBps: number;
  /** Share of the time in which the device stood still, by cause. */
  readonly stalls: Readonly<Record<string, number>>;
  /** CPU time of this thread, which chooses, packs and sends, over the time that passed. */
  readonly mainThreadShare: number;
  /** Cores that the whole process took; the simulated device is part of it. */
  readonly cores: number;
  readonly rung: string;
}

/** The default bundle on a device, with everything of a worker but the network: loop, ring, encoders, pacing. */
export class SessionBench {
  readonly #avatar: Avatar;
  readonly #encoders: Encoders;

  private constructor(avatar: Avatar, encoders: Encoders) {
    this.#avatar = avatar;
    this.#encoders = encoders;
  }

  static async open(device: BenchDevice, mode: PipelineMode, timeline?: Timeline): Promise<SessionBench> {
    const bundle = await loadAvatarBundle(MIRA);
    const { simulation, library, onnxRuntimeDir } = device;
    // Times are modelled; moving the pictures would only take this machine's memory bandwidth.
    simulation?.simulator.use(simulation.profile, { moveData: false });
    const networks = simulation
      ? {
          module: new URL('../simulator/modelled-networks.ts', import.meta.url).href,
          options: simulation.profile.networks,
        }
      : {
          module: new URL('../src/cuda/ort-device-networks.ts', import.meta.url).href,
          options: { folder: onnxRuntimeDir },
        };
    const runner = new CudaModelRunner({
      device: 0,
      driver: library,
      mode,
      depth: DEPTH,
      decoder: 'auto',
      steps: 'auto',
      networks,
    });
    const avatar = await Avatar.load(bundle, runner, {
      onStep: () => undefined,
      ...(timeline ? { onBatch: (times): void => timeline.addBatch(times) } : {}),
    });
    const encoders = simulation ? modelledEncoders(simulation.profile.encodeMs, timeline) : new AvEncoders();
    return new SessionBench(avatar, encoders);
  }

  /** So many sessions that speak without a pause, for so long. */
  async run(sessions: number, seconds: number): Promise<SessionResult> {
    const lanes = await Promise.all(Array.from({ length: sessions }, (_, slotId) => this.#lane(slotId)));
    for (const lane of lanes) lane.start();
    await sleep(SETTLE_S);
    const { meter } = this.#avatar.loop;
    const before = { usage: meter.usage, cpu: cpuMs(), atMs: hostNowMs(), ...total(lanes) };
    await sleep(seconds);
    const after = {
      usage: meter.usage,
      cpu: cpuMs(),
      atMs: hostNowMs(),
      ...total(lanes),
    };
    const rung = this.#avatar.loop.quality.rung;
    await Promise.all(lanes.map((lane) => lane.close()));

    const wallMs = after.atMs - before.atMs;
    const late = after.late - before.late;
    const repeated = after.repeated - before.repeated;
    const dropped = after.dropped - before.dropped;
    const frames = after.sent - before.sent + dropped;
    const share = (pick: (usage: DeviceUsage) => number): number =>
      (pick(after.usage) - pick(before.usage)) / wallMs;
    const stalls = Object.keys(after.usage.stallMs).map((cause) => [
      cause,
      share(({ stallMs }) => stallMs[cause as keyof typeof stallMs]),
    ]);
    return {
      sessions,
      frames,
      onTime: frames === 0 ? 0 : 1 - (late + repeated + dropped) / frames,
      late,
      repeated,
      dropped,
      busyShare: share(({ busyMs }) => busyMs),
      copiedMBps: share(({ copiedBytes }) => copiedBytes) / 1000,
      stalls: Object.fromEntries(stalls) as Record<string, number>,
      mainThreadShare: (after.cpu.thread - before.cpu.thread) / wallMs,
      cores: (after.cpu.process - before.cpu.process) / wallMs,
      rung,
    };
  }

  async close(): Promise<void> {
    await this.#avatar.close();
  }

  async #lane(slotId: number): Promise<Lane> {
    const { bundle } = this.#avatar;
    const { width, height, fps } = bundle;
    const meter = new SlotMeter();
    const video = await this.#encoders.openVideo({ codec: 'h264', width, height, fps, bitrateBps: 1.5e6 });
    const audio = await this.#encoders.openAudio({ bitrateBps: 32_000 });
    const nowMs = (): number => performance.now();
    let pushedS = 0;
    let open = true;
    const speaker: Speaker = new Speaker({
      slotId,
      avatar: this.#avatar,
      meter,
      nowMs,
      openResampler: (from, to) => this.#encoders.openResampler(from, to),
      deadlineMs: (ahead) => stream.deadlineMs(ahead),
      onBlockStarted: () => undefined,
      onBlockPlayed: ({ endMs }) => {
        if (pushedS - endMs / 1000 < AHEAD_S) push();
      },
      onFailed: (error) => {
        // A chunk that was under way when the session ended.
        if (open) throw error;
      },
    });
    const sound = hum(110 + slotId);
    const push = (): void => {
      const at = Math.round((pushedS % 1) * RATE);
      speaker.push('endless', RATE, sound.subarray(at, at + PIECE_S * RATE), false);
      pushedS += PIECE_S;
    };
    const stream: LiveStream = new LiveStream({
      fps,
      nowMs,
      video,
      audio,
      meter,
      sink: { sendVideo: () => undefined, sendAudio: () => undefined },
      next: () => speaker.next(),
      onError: (error) => {
        throw error;
      },
    });
    return {
      meter,
      start: () => {
        // Sessions do not begin at the same moment.
        setTimeout(
          () => {
            while (pushedS < AHEAD_S) push();
            stream.start();
          },
          (slotId * 37) % 500,
        );
      },
      close: async () => {
        open = false;
        speaker.close();
        await stream.close();
        await Promise.all([video.close(), audio.close()]);
      },
    };
  }
}

interface Lane {
  readonly meter: SlotMeter;
  start(): void;
  close(): Promise<void>;
}

type Totals = Record<'sent' | 'late' | 'repeated' | 'dropped', number>;

function total(lanes: readonly Lane[]): Totals {
  const sum = (pick: (meter: SlotMeter) => number): number =>
    lanes.reduce((total, { meter }) => total + pick(meter), 0);
  return {
    sent: sum(({ framesSent }) => framesSent),
    late: sum(({ framesLate }) => framesLate),
    repeated: sum(({ framesRepeated }) => framesRepeated),
    dropped: sum(({ framesDropped }) => framesDropped),
  };
}

function cpuMs(): { readonly thread: number; readonly process: number } {
  const sum = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;
  return { thread: sum(process.threadCpuUsage()), process: sum(process.cpuUsage()) };
}

/** One second of a swelling tone; it goes round without a jump. */
function hum(frequency: number): Int16Array {
  return Int16Array.from({ length: RATE }, (_, sample) => {
    const seconds = sample / RATE;
    return 6000 * Math.sin(2 * Math.PI * frequency * seconds) * Math.sin(2 * Math.PI * 3 * seconds) ** 2;
  });
}

/** An encoder of which only the time is modelled; sound and resampling are real. */
function modelledEncoders(encodeMs: number, timeline?: Timeline): Encoders {
  const real = new AvEncoders();
  const data = Buffer.alloc(6000);
  return {
    openAudio: (options) => real.openAudio(options),
    openResampler: (from, to) => real.openResampler(from, to),
    openVideo: (): Promise<VideoEncoder> =>
      Promise.resolve({
        encode: async (_, { keyFrame }) => {
          const startMs = hostNowMs();
          await new Promise((resolve) => setTimeout(resolve, encodeMs));
          timeline?.add('host work', 'encode', { startMs, endMs: hostNowMs() });
          return { data, keyFrame };
        },
        setBitrate: () => undefined,
        close: () => Promise.resolve(),
      }),
  };
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
