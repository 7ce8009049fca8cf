import { DeadlineClock } from './deadline-clock.ts';
import type { AudioEncoder, EncodedFrame, VideoEncoder } from './encoder.ts';
import { FramePacer } from './frame-pacer.ts';
import type { SlotMeter } from './stage-stats.ts';

/** What one tick shows and plays. */
export interface TickContent {
  /** Idle motion: the picture was not made for this tick. */
  readonly idle: boolean;
  /** I420. */
  readonly picture: Uint8Array;
  /** 48 kHz, one frame period; null is silence. */
  readonly sound: Int16Array | null;
  /** The picture has been encoded or dropped. */
  onPictureFree(): void;
  /** The first half of the sound is about to leave. */
  onSoundSent(): void;
  /** The picture is on the wire. */
  onPictureSent(): void;
}

/** Where packets go; RtpSender is it. Times are on the session's media timeline. */
export interface StreamSink {
  sendVideo(frame: EncodedFrame, mediaTimeMs: number): void;
  sendAudio(packet: Buffer, mediaTimeMs: number): void;
}

/** A frame that leaves more than half a period after its due time is late. */
const LATE_SHARE = 0.5;

interface Outgoing {
  readonly tick: number;
  readonly content: TickContent;
  readonly sound: Int16Array;
  encoded: EncodedFrame | null;
  due: boolean;
}

/** One slot's output: asks for content at each tick, encodes it, and sends sound and picture on their deadline. */
export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #clock: DeadlineClock;
  readonly #pacer: FramePacer;
  readonly #halfSamples: number;
  readonly #silence: Int16Array;
  #current: Outgoing | null = null;
  #encoding: Promise<void> | null = null;
  /** The last of the sound that is being encoded. */
  #sounding: Promise<void> | null = null;
  #keyFrame = true;
  #skipped = 0;
  /** What is left of sound that was cut off; opens the next tick. */
  #fadeOut: Int16Array | null = null;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.#clock = new DeadlineClock(options.fps, options.nowMs());
    this.#halfSamples = Math.round(48_000 / options.fps / 2);
    this.#silence = new Int16Array(2 * this.#halfSamples);
    this.#pacer = new FramePacer(this.#clock, options.nowMs, {
      onCommit: (tick) => {
        this.#commit(tick);
      },
      onDue: (tick) => {
        this.#due(tick);
      },
    });
  }

  get running(): boolean {
    return this.#pacer.running;
  }

  /** When the picture that is `ahead` ticks after the next commit must be decoded. */
  deadlineMs(ahead: number): number {
    const committed = this.#current?.tick === this.#clock.tick ? 1 : 0;
    return this.#clock.dueMs(this.#clock.tick + committed + ahead) - this.#clock.framePeriodMs / 2;
  }

  start(): void {
    if (this.#pacer.running) return;
    this.#keyFrame = true;
    this.#pacer.start();
    this.#skipped = this.#clock.skipped;
  }

  stop(): void {
    this.#pacer.stop();
    this.#current = null;
  }

  requestKeyFrame(): void {
    this.#keyFrame = true;
  }

  /** Ends the sound in work within milliseconds, without a click; `next` is what would have followed. */
  fade(next: Int16Array | null): void {
    const current = this.#current;
    if (current?.tick === this.#clock.tick) {
      ramp(current.sound, this.#halfSamples);
    } else if (next) {
      this.#fadeOut = next.slice();
      ramp(this.#fadeOut, 0);
    }
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all([this.#encoding, this.#sounding]);
  }

  #commit(tick: number): void {
    this.#options.meter.framesDropped += this.#clock.skipped - this.#skipped;
    this.#skipped = this.#clock.skipped;
    const content = this.#options.next();
    const sound = content.sound?.slice() ?? this.#fadeOut ?? this.#silence;
    this.#fadeOut = null;
    const outgoing: Outgoing = { tick, content, sound, encoded: null, due: false };
    this.#current = outgoing;
    content.onSoundSent();
    // Sound waits in the browser about one packet longer than pictures do: it leaves that much earlier.
    this.#sendSound(sound.subarray(0, this.#halfSamples), this.#clock.mediaTimeMs(tick));
    if (this.#encoding) {
      // The encoder is still at the last picture: this one is dropped before encoding, its sound is not.
      this.#options.meter.framesDropped += 1;
      content.onPictureFree();
      return;
    }
    this.#encoding = this.#encode(outgoing).finally(() => {
      this.#encoding = null;
    });
  }

  async #encode(outgoing: Outgoing): Promise<void> {
    const { nowMs, video, meter, onError } = this.#options;
    const startMs = nowMs();
    const keyFrame = this.#keyFrame;
    this.#keyFrame = false;
    try {
      outgoing.encoded = await video.encode(outgoing.content.picture, { keyFrame });
      meter.add('encode', nowMs() - startMs);
    } catch (error) {
      onError(error);
    } finally {
      outgoing.content.onPictureFree();
    }
    if (outgoing.due) this.#sendPicture(outgoing);
  }

  #due(tick: number): void {
    const current = this.#current;
    if (current?.tick !== tick) return;
    current.due = true;
    const mediaTimeMs = this.#clock.mediaTimeMs(tick) + this.#clock.framePeriodMs / 2;
    this.#sendSound(current.sound.subarray(this.#halfSamples), mediaTimeMs);
    this.#sendPicture(current);
  }

  #sendSound(samples: Int16Array, mediaTimeMs: number): void {
    const { audio, sink, onError } = this.#options;
    this.#sounding = audio
      .encode(samples)
      .then((packet) => {
        if (this.#pacer.running) sink.sendAudio(packet, mediaTimeMs);
      })
      .catch(onError);
  }

  #sendPicture(outgoing: Outgoing): void {
    if (!outgoing.encoded || !this.#pacer.running) return;
    const { meter, sink, nowMs } = this.#options;
    const lateMs = Math.max(0, nowMs() - this.#clock.dueMs(outgoing.tick));
    sink.sendVideo(outgoing.encoded, this.#clock.mediaTimeMs(outgoing.tick));
    outgoing.encoded = null;
    meter.framesSent += 1;
    meter.add('send', lateMs);
    if (lateMs > this.#clock.framePeriodMs * LATE_SHARE) meter.framesLate += 1;
    outgoing.content.onPictureSent();
  }
}

export interface LiveStreamOptions {
  readonly fps: number;
  readonly nowMs: () => number;
  readonly video: VideoEncoder;
  readonly audio: AudioEncoder;
  readonly sink: StreamSink;
  readonly meter: SlotMeter;
  /** The content of the tick to come. */
  readonly next: () => TickContent;
  readonly onError: (error: unknown) => void;
}

const RAMP_SAMPLES = 480;

/** Ten milliseconds to silence, from `from` on. */
function ramp(sound: Int16Array, from: number): void {
  for (let index = from; index < sound.length; index += 1) {
    const gain = Math.max(0, 1 - (index - from) / RAMP_SAMPLES);
    sound[index] = Math.round((sound[index] ?? 0) * gain);
  }
}
