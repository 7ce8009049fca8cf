import type { AvatarBundle } from './avatar-bundle.ts';
import type { LadderStep } from './deadline-ladder.ts';
import { FrameRing } from './frame-ring.ts';
import { IDLE_LOOP_FRAMES, idleExpression } from './idle-motion.ts';
import type { Activity } from './idle-motion.ts';
import { InferenceLoop } from './inference-loop.ts';
import type { BatchTimes, ModelRunner } from './model-runner.ts';

/**
 * The idle motion of a bundle: decoded once, shared by all its slots, so that silence costs no inference. Rows repeat
 * after the loop's length; the same rows lie under speech, so that entering and leaving it shows no jump.
 */
export class IdleFrames {
  readonly #expressions: readonly Float32Array[];
  readonly #pictures: readonly Uint8Array[];

  private constructor(expressions: readonly Float32Array[], pictures: readonly Uint8Array[]) {
    this.#expressions = expressions;
    this.#pictures = pictures;
  }

  static async render(bundle: AvatarBundle, runner: ModelRunner, activity: Activity): Promise<IdleFrames> {
    const width = bundle.expression.parameters.length;
    const expressions: Float32Array[] = [];
    const all = new Float32Array(IDLE_LOOP_FRAMES * width);
    for (let row = 0; row < IDLE_LOOP_FRAMES; row += 1) {
      const expression = idleExpression(bundle, row, undefined, activity);
      expressions.push(expression);
      all.set(expression, row * width);
    }
    const memory = await runner.renderStill(all, IDLE_LOOP_FRAMES);
    const pictures = expressions.map((_, row) =>
      Buffer.from(memory, row * bundle.frameBytes, bundle.frameBytes),
    );
    return new IdleFrames(expressions, pictures);
  }

  /** I420 picture of a row; any integer, the loop wraps. */
  at(row: number): Uint8Array {
    return this.#pictures[wrap(row, this.#pictures.length)] as Uint8Array;
  }

  expression(row: number): Float32Array {
    return this.#expressions[wrap(row, this.#expressions.length)] as Float32Array;
  }
}

export interface AvatarEvents {
  /** The deadline ladder has moved. */
  readonly onStep: (step: LadderStep) => void;
  readonly onBatch?: (times: BatchTimes) => void;
  /** False: nobody watches, so that lateness costs no quality. */
  readonly live?: boolean;
}

/** A bundle ready to be shown: loaded, warm, measured. */
export class Avatar {
  readonly bundle: AvatarBundle;
  readonly runner: ModelRunner;
  readonly idle: IdleFrames;
  readonly loop: InferenceLoop;
  readonly #rings = new Map<number, FrameRing>();
  #listening: IdleFrames | null = null;

  private constructor(bundle: AvatarBundle, runner: ModelRunner, idle: IdleFrames, loop: InferenceLoop) {
    this.bundle = bundle;
    this.runner = runner;
    this.idle = idle;
    this.loop = loop;
  }

  /** @throws VizaviError `invalid_bundle`, `unsupported_device` */
  static async load(bundle: AvatarBundle, runner: ModelRunner, events: AvatarEvents): Promise<Avatar> {
    await runner.load(bundle);
    const warmUp = await runner.warmUp();
    const idle = await IdleFrames.render(bundle, runner, 'idle');
    const loop = new InferenceLoop({
      runner,
      chunkFrames: bundle.chunkFrames,
      fps: bundle.fps,
      warmUp,
      nowMs: () => performance.now(),
      onStep: events.onStep,
      live: events.live ?? true,
    });
    runner.onBatch = (times) => {
      loop.meter.add(times);
      events.onBatch?.(times);
    };
    return new Avatar(bundle, runner, idle, loop);
  }

  /** How it looks while somebody speaks to it; null until it has been made. */
  get listening(): IdleFrames | null {
    return this.#listening;
  }

  /** Makes what is not needed at once, in between the work of sessions. Fails silently: a face then only looks idle. */
  async prepare(): Promise<void> {
    this.#listening ??= await IdleFrames.render(this.bundle, this.runner, 'listening').catch(() => null);
  }

  /** What a chunk of a slot alone costs, ms. */
  get chunkCosts(): readonly { readonly frames: number; readonly medianMs: number }[] {
    const { minChunkFrames, chunkFrames } = this.bundle;
    return [...new Set([minChunkFrames, chunkFrames])].map((frames) => ({
      frames,
      medianMs: this.loop.costs.batchMs([frames]),
    }));
  }

  /** A slot's ring is kept from session to session: a device need not pin it again. */
  ring(slotId: number): FrameRing {
    const ring =
      this.#rings.get(slotId) ??
      FrameRing.create({ entries: this.loop.ringEntries, frameBytes: this.bundle.frameBytes });
    this.#rings.set(slotId, ring);
    return ring;
  }

  async close(): Promise<void> {
    this.loop.close();
    await this.runner.close();
  }
}

function wrap(row: number, length: number): number {
  return ((row % length) + length) % length;
}
