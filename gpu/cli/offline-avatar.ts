import { setTimeout as sleep } from 'node:timers/promises';
import { VizaviError } from '@vizavi/signaling';
import type { Manner } from '@vizavi/signaling';
import { AvEncoders } from '../src/av-encoder.ts';
import { Avatar } from '../src/avatar.ts';
import type { AvatarBundle } from '../src/avatar-bundle.ts';
import { OnnxModelRunner } from '../src/onnx-model-runner.ts';
import { Speaker } from '../src/speaker.ts';
import { SlotMeter } from '../src/stage-stats.ts';

/** Sound to be said. */
export interface Line {
  readonly pcm: Int16Array;
  readonly sampleRate: number;
  readonly manner: Manner;
}

/** One frame period: picture (I420) and sound (48 kHz). */
export interface Tick {
  /** Idle motion: nothing was made for this tick. */
  readonly idle: boolean;
  readonly picture: Uint8Array;
  readonly sound: Int16Array;
}

export interface OfflineOptions {
  readonly decoder: string;
  readonly steps: number | 'auto';
}

/** Silence before the first word and after the last. */
const REST_FRAMES = 25;
/** How often a late picture is looked for, ms. */
const POLL_MS = 1;

/** The live path without its clock: the same slot, track, loop and networks, as fast as they go. */
export class OfflineAvatar {
  readonly bundle: AvatarBundle;
  readonly meter = new SlotMeter();
  readonly #avatar: Avatar;
  readonly #speaker: Speaker;
  #failure: VizaviError | null = null;

  private constructor(avatar: Avatar) {
    const encoders = new AvEncoders({ hardware: 'off' });
    this.bundle = avatar.bundle;
    this.#avatar = avatar;
    this.#speaker = new Speaker({
      slotId: 0,
      avatar,
      meter: this.meter,
      nowMs: () => performance.now(),
      openResampler: (from, to) => encoders.openResampler(from, to),
      // All is due at once: the loop waits for nothing.
      deadlineMs: () => performance.now(),
      onBlockStarted: () => undefined,
      onBlockPlayed: () => undefined,
      onFailed: (error) => {
        this.#failure = VizaviError.from(error);
      },
    });
  }

  /** @throws VizaviError `invalid_bundle`, `unsupported_device` */
  static async open(bundle: AvatarBundle, options: OfflineOptions): Promise<OfflineAvatar> {
    const runner = new OnnxModelRunner(options);
    try {
      return new OfflineAvatar(await Avatar.load(bundle, runner, { onStep: () => undefined, live: false }));
    } catch (error) {
      await runner.close();
      throw error;
    }
  }

  /** What a chunk costs here. */
  get chunkCosts(): Avatar['chunkCosts'] {
    return this.#avatar.chunkCosts;
  }

  /**
   * Idle motion, the lines one after another, idle motion. A tick's arrays are valid until the next one is asked for.
   *
   * @param listenFrames how long it looks as if it listened, before the first line
   * @throws VizaviError `inference_failed`
   */
  async *play(lines: readonly Line[], listenFrames = 0): AsyncGenerator<Tick> {
    const speaker = this.#speaker;
    const silence = new Int16Array((48_000 / this.bundle.fps) | 0);
    const tick = function* (): Generator<Tick> {
      const content = speaker.next();
      content.onSoundSent();
      content.onPictureSent();
      yield { idle: content.idle, picture: content.picture, sound: content.sound ?? silence };
      content.onPictureFree();
    };
    for (let rest = 0; rest < REST_FRAMES; rest += 1) yield* tick();
    if (listenFrames > 0) await this.#avatar.prepare();
    for (let frame = 0; frame < listenFrames; frame += 1) {
      if (frame === 0) speaker.listen(true);
      await this.#made();
      yield* tick();
    }
    if (listenFrames > 0) speaker.listen(false);
    for (const [index, { pcm, sampleRate, manner }] of lines.entries()) {
      speaker.push(`line ${index + 1}`, sampleRate, pcm, true, manner);
      while (speaker.speaking) {
        await this.#made();
        yield* tick();
      }
    }
    for (let rest = 0; rest < REST_FRAMES; rest += 1) {
      await this.#made();
      yield* tick();
    }
  }

  async #made(): Promise<void> {
    while (this.#speaker.awaited) {
      if (this.#failure) throw this.#failure;
      await sleep(POLL_MS);
    }
  }

  async close(): Promise<void> {
    this.#speaker.close();
    await this.#avatar.close();
  }
}
