import { samplesFromBytes, SLOT_STATES, StateMachine, VizaviError } from '@vizavi/signaling';
import type {
  Gesture,
  NoticeOf,
  RequestOf,
  ResultOf,
  ServerToWorker,
  SlotState,
  StageStats,
} from '@vizavi/signaling';
import type { AudioBlock } from './audio-queue.ts';
import type { Avatar } from './avatar.ts';
import type { AudioEncoder, Encoders, VideoEncoder } from './encoder.ts';
import { LiveStream } from './live-stream.ts';
import { RtpSender } from './rtp-sender.ts';
import { Speaker } from './speaker.ts';
import { SlotMeter } from './stage-stats.ts';

export type SlotOpenRequest = RequestOf<ServerToWorker, 'slot.open'>;

/** What a slot tells its worker of the lease that it is under. */
export interface SlotEvents {
  started(utteranceId: string, generation: number): void;
  progress(utteranceId: string, generation: number, playedMs: number): void;
  ended(utteranceId: string, generation: number, playedMs: number): void;
  failed(error: VizaviError): void;
}

/** Everything that exists only while a slot is leased. */
interface Lease {
  readonly leaseId: string;
  readonly events: SlotEvents;
  readonly speaker: Speaker;
  readonly stream: LiveStream;
  readonly sender: RtpSender;
  readonly video: VideoEncoder;
  readonly audio: AudioEncoder;
  readonly meter: SlotMeter;
  bitrateBps: number;
  generation: number;
  spoken: { utteranceId: string; playedMs: number } | null;
  /** Spoken blocks so far. */
  blocks: number;
}

const AUDIO_BITRATE_BPS = 32_000;
/** Blocks between two reports of progress: 200 ms at 25 fps. */
const PROGRESS_BLOCKS = 5;

/** One lane of the worker: at most one session at a time. */
export class Slot {
  readonly id: number;
  readonly #encoders: Encoders;
  readonly #state: StateMachine<SlotState>;
  #lease: Lease | null = null;
  #opening: Promise<unknown> | null = null;

  constructor(id: number, encoders: Encoders) {
    this.id = id;
    this.#encoders = encoders;
    this.#state = new StateMachine<SlotState>(SLOT_STATES, 'free');
  }

  get state(): SlotState {
    return this.#state.state;
  }

  get leaseId(): string | null {
    return this.#lease?.leaseId ?? null;
  }

  /** @throws VizaviError `invalid_state` when the slot is not free, `encoder_failed` */
  async open(request: SlotOpenRequest, avatar: Avatar, events: SlotEvents): Promise<void> {
    this.#state.to('priming');
    const undo: (() => Promise<void>)[] = [];
    try {
      const opening = this.#openLease(request, avatar, events, undo);
      this.#opening = opening;
      this.#lease = await opening;
    } catch (error) {
      for (const close of undo.reverse()) await close();
      this.#state.to('draining');
      this.#state.to('free');
      throw error;
    } finally {
      this.#opening = null;
    }
    this.#state.to('idle');
  }

  /** Frames flow only while somebody watches. */
  watch(watched: boolean): void {
    if (watched) this.#lease?.stream.start();
    else this.#lease?.stream.stop();
  }

  listen(listening: boolean): void {
    this.#lease?.speaker.listen(listening);
  }

  gesture(gesture: Gesture): void {
    this.#lease?.speaker.gesture(gesture);
  }

  setBitrate(bitrateBps: number): void {
    if (!this.#lease) return;
    this.#lease.bitrateBps = bitrateBps;
    this.#lease.video.setBitrate(bitrateBps);
  }

  /** Sound of an utterance; older generations are ignored. @throws VizaviError `invalid_audio` */
  audio(notice: NoticeOf<ServerToWorker, 'slot.audio'>): void {
    const lease = this.#lease;
    if (!lease || notice.generation < lease.generation) return;
    const { utteranceId, sampleRate, pcm, last, emotion, gesture } = notice;
    lease.speaker.push(utteranceId, sampleRate, samplesFromBytes(pcm), last, { emotion, gesture });
    if (this.#state.is('idle')) this.#state.to('speaking');
  }

  /** Silence now; answers how far the utterance in work got. */
  interrupt(generation: number): ResultOf<ServerToWorker, 'slot.interrupt'> {
    const lease = this.#lease;
    if (!lease) throw new VizaviError('invalid_state', 'the slot is not leased');
    lease.generation = Math.max(lease.generation, generation);
    lease.stream.fade(lease.speaker.peekSound());
    lease.speaker.interrupt();
    const { utteranceId = null, playedMs = 0 } = lease.spoken ?? {};
    lease.spoken = null;
    if (this.#state.is('speaking')) this.#state.to('idle');
    return { utteranceId, playedMs };
  }

  stats(): StageStats | null {
    const lease = this.#lease;
    if (!lease) return null;
    return lease.meter.snapshot({
      leadMs: lease.speaker.leadMs,
      ringOccupancy: lease.speaker.ringOccupancy,
      bitrateBps: lease.bitrateBps,
      rung: lease.speaker.rung,
    });
  }

  /** Ends the lease and gives everything back. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    const lease = this.#lease;
    if (!lease) return;
    this.#lease = null;
    this.#state.to('draining');
    lease.speaker.close();
    await lease.stream.close();
    await Promise.allSettled([lease.video.close(), lease.audio.close(), lease.sender.close()]);
    this.#state.to('free');
  }

  async #openLease(
    request: SlotOpenRequest,
    avatar: Avatar,
    events: SlotEvents,
    undo: (() => Promise<void>)[],
  ): Promise<Lease> {
    const { bundle } = avatar;
    const video = await this.#encoders.openVideo({
      codec: request.codec,
      width: bundle.width,
      height: bundle.height,
      fps: bundle.fps,
      bitrateBps: request.bitrateBps,
    });
    undo.push(() => video.close());
    const audio = await this.#encoders.openAudio({ bitrateBps: AUDIO_BITRATE_BPS });
    undo.push(() => audio.close());
    const sender = await RtpSender.open({
      remote: request.remote,
      video: { codec: request.codec, ...request.video },
      audio: request.audio,
      cname: request.cname,
      onKeyFrameRequest: () => {
        this.#lease?.stream.requestKeyFrame();
      },
    });
    undo.push(() => sender.close());
    const meter = new SlotMeter();
    const nowMs = (): number => performance.now();
    let failed = false;
    const onFailed = (error: unknown): void => {
      // The first failure ends the lease; the ones that follow from it say nothing new.
      if (failed) return;
      failed = true;
      events.failed(VizaviError.from(error));
    };
    const speaker: Speaker = new Speaker({
      slotId: this.id,
      avatar,
      meter,
      nowMs,
      openResampler: (from, to) => this.#encoders.openResampler(from, to),
      deadlineMs: (ahead) => stream.deadlineMs(ahead),
      onBlockStarted: (block) => {
        this.#onBlockStarted(block);
      },
      onBlockPlayed: (block) => {
        this.#onBlockPlayed(block);
      },
      onFailed,
    });
    const stream: LiveStream = new LiveStream({
      fps: bundle.fps,
      nowMs,
      video,
      audio,
      sink: sender,
      meter,
      next: () => speaker.next(),
      onError: onFailed,
    });
    return {
      leaseId: request.leaseId,
      events,
      speaker,
      stream,
      sender,
      video,
      audio,
      meter,
      bitrateBps: request.bitrateBps,
      generation: 0,
      spoken: null,
      blocks: 0,
    };
  }

  #onBlockStarted({ utteranceId, first }: AudioBlock): void {
    const lease = this.#lease;
    if (!lease || utteranceId === null || !first) return;
    lease.spoken = { utteranceId, playedMs: 0 };
    lease.events.started(utteranceId, lease.generation);
  }

  #onBlockPlayed({ utteranceId, last, endMs }: AudioBlock): void {
    const lease = this.#lease;
    if (!lease || utteranceId === null) return;
    if (last) {
      lease.spoken = null;
      lease.events.ended(utteranceId, lease.generation, endMs);
      if (!lease.speaker.speaking && this.#state.is('speaking')) this.#state.to('idle');
      return;
    }
    lease.spoken = { utteranceId, playedMs: endMs };
    lease.blocks += 1;
    if (lease.blocks % PROGRESS_BLOCKS === 0) lease.events.progress(utteranceId, lease.generation, endMs);
  }
}
