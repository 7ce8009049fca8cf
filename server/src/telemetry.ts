import type { StageStats } from '@vizavi/signaling';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { DeviceMetrics } from './telemetry-devices.ts';
import { createLog } from './log.ts';
import type { Log, LogOptions } from './log.ts';

/** What the server says of itself: a log for people, and figures for Prometheus. Neither holds text, tokens or keys. */
export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
  /** All figures in Prometheus' text form, by `metrics()`. */
  readonly registry: Registry;
}

/** Counted by those who do the work. Times are milliseconds. */
export interface Metrics {
  readonly sessions: Gauge<'state'>;
  readonly sessionsClosed: Counter<'reason'>;
  readonly viewers: Gauge;
  readonly workers: Gauge;
  readonly slotsTotal: Gauge;
  readonly slotsLeased: Gauge;
  /** Of these, as many as the workers take by their own figures. */
  readonly slotsAdmitted: Gauge;
  /** Workers on each rung of the deadline ladder, and how often one was reached. */
  readonly ladderRung: Gauge<'rung'>;
  readonly ladderSteps: Counter<'to'>;
  /** Sessions that wait for a slot, and how long those waited that got one. */
  readonly queueLength: Gauge;
  readonly queueWaitMs: Histogram;
  /** Local GPU workers that died and were started again. */
  readonly workerRestarts: Counter;
  /** mediasoup workers that died and were replaced. */
  readonly mediaWorkerRestarts: Counter;
  /** spoken, interrupted, failed */
  readonly utterances: Counter<'outcome'>;
  /** From a text to its first synthesised sound. */
  readonly voiceFirstChunkMs: Histogram;
  /** From a command's arrival to `avatar.speak_started`. */
  readonly speakStartedMs: Histogram;
  /** From an interrupt's arrival to the worker's answer. */
  readonly interruptMs: Histogram;
  /** Replies, by outcome as above; turns that began while the avatar spoke. */
  readonly replies: Counter<'outcome'>;
  readonly bargeIns: Counter;
  /** From the visitor's last word to the first voiced frame on the wire. */
  readonly turnMs: Histogram;
  /** From a message to the first words of the reply. */
  readonly brainFirstMs: Histogram;
  readonly brainErrors: Counter<'brain'>;
  readonly earsErrors: Counter<'ears'>;
  /** Refused messages and failed handlers of signaling. */
  readonly signalingErrors: Counter<'code'>;
  readonly httpErrors: Counter<'code'>;
  /** What the slots report of their stages. */
  readonly slots: SlotMetrics;
  /** What the workers report of their devices. */
  readonly devices: DeviceMetrics;
}

const LATENCY_BUCKETS_MS = [5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000];
const FRAME_FATES = {
  sent: 'framesSent',
  late: 'framesLate',
  dropped: 'framesDropped',
  repeated: 'framesRepeated',
} as const;
const STAGES = ['generate', 'decode', 'copy', 'encode', 'send'] as const;
const FIRST_FRAME_BUCKETS_MS = [20, 40, 60, 80, 100, 120, 160, 200, 300, 500, 1000, 2000];

export function createTelemetry(options: LogOptions): Telemetry {
  return { log: createLog(options), ...createMetrics() };
}

function createMetrics(): Pick<Telemetry, 'metrics' | 'registry'> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const latency = (name: string, help: string): Histogram =>
    new Histogram({ name, help, registers, buckets: LATENCY_BUCKETS_MS });
  const metrics: Metrics = {
    sessions: new Gauge({
      name: 'vizavi_sessions',
      help: 'Sessions by state',
      labelNames: ['state'],
      registers,
    }),
    sessionsClosed: new Counter({
      name: 'vizavi_sessions_closed_total',
      help: 'Sessions that ended, by reason',
      labelNames: ['reason'],
      registers,
    }),
    viewers: gauge('vizavi_viewers', 'Viewers with media'),
    workers: gauge('vizavi_workers', 'GPU workers connected'),
    slotsTotal: gauge('vizavi_slots', 'Slots of all connected GPU workers'),
    slotsLeased: gauge('vizavi_slots_leased', 'Slots that a session holds'),
    slotsAdmitted: gauge(
      'vizavi_slots_admitted',
      'Sessions that all GPU workers take by their measured costs',
    ),
    ladderRung: new Gauge({
      name: 'vizavi_ladder_workers',
      help: 'GPU workers on each rung of the deadline ladder',
      labelNames: ['rung'],
      registers,
    }),
    ladderSteps: new Counter({
      name: 'vizavi_ladder_steps_total',
      help: 'Steps on the deadline ladder, by the rung reached',
      labelNames: ['to'],
      registers,
    }),
    queueLength: gauge('vizavi_queue_length', 'Sessions that wait for a slot'),
    queueWaitMs: new Histogram({
      name: 'vizavi_queue_wait_ms',
      help: 'How long sessions waited that got a slot',
      buckets: [100, 1000, 5000, 10_000, 30_000, 60_000, 120_000, 300_000],
      registers,
    }),
    workerRestarts: counter('vizavi_worker_restarts_total', 'Restarts of the local GPU worker'),
    mediaWorkerRestarts: counter('vizavi_media_worker_restarts_total', 'Restarts of mediasoup workers'),
    utterances: new Counter({
      name: 'vizavi_utterances_total',
      help: 'Utterances that ended, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    voiceFirstChunkMs: latency('vizavi_voice_first_chunk_ms', 'From a text to its first synthesised sound'),
    speakStartedMs: latency('vizavi_speak_started_ms', 'From a speak command to its first sound on the wire'),
    interruptMs: latency('vizavi_interrupt_ms', 'From an interrupt to silence at the worker'),
    replies: new Counter({
      name: 'vizavi_replies_total',
      help: 'Replies that ended, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    bargeIns: counter('vizavi_barge_ins_total', 'Turns of visitors that began while the avatar spoke'),
    turnMs: latency('vizavi_turn_ms', 'From the visitor’s last word to the first voiced frame on the wire'),
    brainFirstMs: latency('vizavi_brain_first_ms', 'From a message to the first words of the reply'),
    brainErrors: new Counter({
      name: 'vizavi_brain_errors_total',
      help: 'Replies that the brain broke off',
      labelNames: ['brain'],
      registers,
    }),
    earsErrors: new Counter({
      name: 'vizavi_ears_errors_total',
      help: 'Turns that were not understood because the ears failed',
      labelNames: ['ears'],
      registers,
    }),
    signalingErrors: new Counter({
      name: 'vizavi_signaling_errors_total',
      help: 'Refused messages and failed handlers, by error code',
      labelNames: ['code'],
      registers,
    }),
    httpErrors: new Counter({
      name: 'vizavi_http_errors_total',
      help: 'HTTP requests answered with an error, by error code',
      labelNames: ['code'],
      registers,
    }),
    slots: new SlotMetrics(registry),
    devices: new DeviceMetrics(registry),
  };
  return { metrics, registry };
}

/** Sums what the slots of all workers report. Gauges show the worst slot: a mean would hide the one that suffers. */
export class SlotMetrics {
  readonly #latest = new Map<string, StageStats>();
  readonly #frames: Counter<'fate'>;
  readonly #firstFrameMs: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    const all = <T>(pick: (stats: StageStats) => T): T[] => [...this.#latest.values()].map(pick);
    const worst = (name: string, help: string, pick: (stats: StageStats) => number, least = false): Gauge =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const values = all(pick);
          this.set(values.length === 0 ? 0 : least ? Math.min(...values) : Math.max(...values));
        },
      });

    this.#frames = new Counter({
      name: 'vizavi_frames_total',
      help: 'Video frames by what became of them',
      labelNames: ['fate'],
      registers,
    });
    this.#firstFrameMs = new Histogram({
      name: 'vizavi_first_frame_ms',
      help: 'From the first audio of an utterance at the worker to its first voiced frame on the wire',
      buckets: FIRST_FRAME_BUCKETS_MS,
      registers,
    });
    worst('vizavi_lead_ms', 'Lead of inference over the clock, least slot', ({ leadMs }) => leadMs, true);
    worst('vizavi_ring_occupancy', 'Filled entries of the frame ring, fullest slot', (s) => s.ringOccupancy);
    worst('vizavi_real_time_factor', 'Inference time over media time, slowest slot', (s) => s.realTimeFactor);
    new Gauge({
      name: 'vizavi_stage_ms',
      help: 'Time of one stage for one frame, slowest slot',
      labelNames: ['stage', 'quantile'],
      registers,
      collect() {
        this.reset();
        for (const stage of STAGES) {
          const times = all(({ stages }) => stages[stage]);
          if (times.length === 0) continue;
          this.set({ stage, quantile: '0.5' }, Math.max(...times.map(({ median }) => median)));
          this.set({ stage, quantile: '0.95' }, Math.max(...times.map(({ p95 }) => p95)));
        }
      },
    });
  }

  /** The latest `slot.stats` of a lease; its frame counts only grow. */
  record(leaseId: string, stats: StageStats): void {
    const before = this.#latest.get(leaseId);
    for (const [fate, field] of Object.entries(FRAME_FATES)) {
      this.#frames.inc({ fate }, Math.max(0, stats[field] - (before?.[field] ?? 0)));
    }
    // The figure stands until the next utterance replaces it.
    if (stats.firstFrameMs !== null && stats.firstFrameMs !== before?.firstFrameMs) {
      this.#firstFrameMs.observe(stats.firstFrameMs);
    }
    this.#latest.set(leaseId, stats);
  }

  /** The lease has ended. */
  forget(leaseId: string): void {
    this.#latest.delete(leaseId);
  }
}
