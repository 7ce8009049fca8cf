import type { Gesture, Manner } from '@vizavi/signaling';
import type { AudioBlock } from './audio-queue.ts';
import { AudioQueue } from './audio-queue.ts';
import type { Avatar } from './avatar.ts';
import type { Rung } from './deadline-ladder.ts';
import type { Resampler } from './encoder.ts';
import type { FrameRing } from './frame-ring.ts';
import type { InferenceLane, LaneCandidate } from './inference-loop.ts';
import type { TickContent } from './live-stream.ts';
import type { ChunkRequest, ChunkResult } from './model-runner.ts';
import type { ChunkPlan } from './chunk-plan.ts';
import { FaceBlend } from './face-blend.ts';
import { Mood } from './mood.ts';
import { SpeechTrack } from './speech-track.ts';
import type { SlotMeter } from './stage-stats.ts';

export interface SpeakerOptions {
  readonly slotId: number;
  readonly avatar: Avatar;
  readonly meter: SlotMeter;
  readonly openResampler: (from: number, to: number) => Resampler;
  readonly nowMs: () => number;
  /** When the picture `ahead` ticks after the next one must be decoded. */
  readonly deadlineMs: (ahead: number) => number;
  /** The first sound of an utterance's block is about to leave. */
  readonly onBlockStarted: (block: AudioBlock) => void;
  /** All of its sound has left. */
  readonly onBlockPlayed: (block: AudioBlock) => void;
  /** The model cannot go on for this slot. */
  readonly onFailed: (error: unknown) => void;
}

/** What a slot shows and plays: idle motion, or the frames that the model makes of the sound in its queue. */
export class Speaker implements InferenceLane {
  readonly slotId: number;
  readonly #options: SpeakerOptions;
  readonly #queue: AudioQueue;
  readonly #track: SpeechTrack;
  readonly #ring: FrameRing;
  readonly #mood: Mood;
  readonly #blend: FaceBlend;
  readonly #plans = new Map<ChunkRequest, ChunkPlan>();
  /** What the last tick showed; a repeat shows it again. */
  #picture: Picture;
  #soundSinceMs: number | null = null;
  /** When the next frame should have been there, as long as none is made or being made. */
  #owedMs: number | null = null;
  /** The block whose sound is leaving. */
  #playing: AudioBlock | null = null;

  constructor(options: SpeakerOptions) {
    const { bundle, loop, runner } = options.avatar;
    this.slotId = options.slotId;
    this.#options = options;
    this.#queue = new AudioQueue({
      modelRate: bundle.sampleRate,
      samplesPerFrame: bundle.samplesPerFrame,
      openResampler: options.openResampler,
    });
    this.#track = new SpeechTrack({
      queue: this.#queue,
      lookaheadFrames: bundle.lookaheadFrames,
      // Slots of one bundle do not blink together.
      firstRow: options.slotId * 67,
    });
    this.#mood = new Mood(bundle.expression.parameters);
    const { idle } = options.avatar;
    const loops = {
      idle: (row: number) => idle.expression(row),
      listening: (row: number) => options.avatar.listening?.expression(row) ?? null,
    };
    this.#blend = new FaceBlend(bundle.expression.parameters, loops, bundle.fps);
    this.#ring = options.avatar.ring(options.slotId);
    this.#picture = new Picture(options.avatar.idle.at(this.#track.row));
    runner.attachSlot(this.slotId, this.#ring);
    loop.add(this);
  }

  /** There is sound of an utterance to be played, or to come. */
  get speaking(): boolean {
    return this.#track.soundAhead || this.#queue.available > 0 || this.#queue.open;
  }

  /** The picture of the tick to come is still being made. */
  get awaited(): boolean {
    return this.#track.awaited;
  }

  get leadMs(): number {
    return Math.max(0, this.#track.lead * (1000 / this.#options.avatar.bundle.fps));
  }

  /** Where the device stands on the deadline ladder. */
  get rung(): Rung {
    return this.#options.avatar.loop.quality.rung;
  }

  get ringOccupancy(): number {
    return this.#ring.occupancy;
  }

  push(utteranceId: string, sampleRate: number, pcm: Int16Array, last: boolean, manner?: Manner): void {
    if (!this.speaking) this.#soundSinceMs = this.#options.nowMs();
    this.#queue.push(utteranceId, sampleRate, pcm, last, manner);
    this.#options.avatar.loop.wake();
  }

  /** The sound that an interrupt would cut off. */
  peekSound(): Int16Array | null {
    return this.#track.peekSound();
  }

  interrupt(): void {
    this.#soundSinceMs = null;
    this.#playing = null;
    const { generation, row, lastParams } = this.#track;
    for (const frame of this.#track.interrupt()) this.#ring.abandon(frame.entry);
    this.#blend.cutOff(row);
    if (this.#track.generation !== generation && this.#track.started && lastParams) {
      this.#blend.release(row, lastParams);
      this.#track.bridge(this.#blend.framesLeft(row));
    }
    this.#options.avatar.loop.wake();
  }

  /** The face turns to somebody who speaks, or away again. What it says goes on. */
  listen(listening: boolean): void {
    const { row, lead } = this.#track;
    this.#blend.listen(row + lead, listening);
    this.#track.bridge(this.#blend.framesLeft(row));
    this.#options.avatar.loop.wake();
  }

  /** Head and brows do this, from the next frame that is not made yet. */
  gesture(gesture: Gesture): void {
    const { row, lead } = this.#track;
    this.#blend.gesture(row + lead, gesture);
    this.#track.bridge(this.#blend.framesLeft(row));
    this.#options.avatar.loop.wake();
  }

  close(): void {
    this.#options.avatar.loop.remove(this);
    this.#options.avatar.runner.detachSlot(this.slotId);
    // The slot's next session uses the same ring; chunks still under way are dropped when they come.
    for (const frame of this.#track.close()) this.#ring.abandon(frame.entry);
    this.#picture.release();
  }

  candidate(): LaneCandidate | null {
    const wantedFrames = this.#track.wanted;
    if (wantedFrames === 0) {
      this.#owedMs = null;
      return null;
    }
    const leadFrames = this.#track.lead;
    // What is owed keeps its deadline while ticks go by: a slot that was passed over comes to the front.
    if (leadFrames > 0) this.#owedMs = null;
    else this.#owedMs ??= this.#options.deadlineMs(0);
    return {
      slotId: this.slotId,
      deadlineMs: this.#owedMs ?? this.#options.deadlineMs(leadFrames),
      wantedFrames,
      leadFrames,
      freeEntries: this.#ring.free,
      running: this.#track.started,
    };
  }

  take(frames: number): ChunkRequest {
    const plan = this.#track.plan(frames, this.#options.avatar.loop.quality.decodeEvery);
    const entries: number[] = [];
    for (let left = plan.shown.length; left > 0; left -= 1) {
      const entry = this.#ring.acquire();
      if (entry !== null) entries.push(entry);
    }
    const request: ChunkRequest = {
      slotId: this.slotId,
      pcm: plan.pcm,
      expression: this.#expression(plan),
      frames: plan.frames,
      shown: plan.shown,
      reset: plan.reset,
      entries,
    };
    this.#plans.set(request, plan);
    return request;
  }

  done(request: ChunkRequest, result: ChunkResult): void {
    const plan = this.#plans.get(request);
    this.#plans.delete(request);
    if (!plan) return;
    const rowLength = this.#options.avatar.bundle.expression.parameters.length;
    const frames = request.entries.map((entry, index) => ({
      entry,
      params: result.params?.slice(index * rowLength, (index + 1) * rowLength) ?? null,
    }));
    for (const late of this.#track.deliver(plan, frames)) {
      this.#ring.abandon(late.entry);
      // What an interrupt has cut off is not missed.
      if (plan.generation === this.#track.generation) this.#options.meter.framesDropped += 1;
    }
    const { meter, avatar } = this.#options;
    const outputs = plan.frames - plan.skip;
    meter.add('generate', result.generateMs / outputs);
    if (frames.length > 0) {
      meter.add('decode', result.decodeMs / frames.length);
      meter.add('copy', result.copyMs / frames.length);
    }
    const workMs = result.generateMs + result.decodeMs + result.copyMs;
    meter.addChunk(workMs, (outputs * 1000) / avatar.bundle.fps);
  }

  failed(request: ChunkRequest, error: unknown): void {
    for (const entry of request.entries) this.#ring.abandon(entry);
    this.#plans.delete(request);
    this.#options.onFailed(error);
  }

  /** The content of the tick to come. */
  next(): TickContent {
    const { avatar, meter } = this.#options;
    if (this.#playing) this.#options.onBlockPlayed(this.#playing);
    this.#playing = null;
    const step = this.#track.next();
    const block = 'block' in step ? step.block : null;
    const idle = step.kind === 'idle' || (step.kind === 'omitted' && avatar.loop.quality.picture === 'idle');
    if (idle) this.#showLoop();
    if (step.kind === 'frame') {
      const lease = this.#ring.lease(step.frame.entry);
      this.#show(
        new Picture(lease.bytes, () => {
          lease.release();
          avatar.loop.wake();
        }),
      );
    } else if (!idle) meter.framesRepeated += 1;
    const picture = this.#picture.retain();
    // A frame was taken: there is room in the lead again. Or what waited behind frames without sound can begin.
    if (step.kind !== 'idle' || this.#track.wanted > 0) avatar.loop.wake();
    return {
      idle,
      picture: picture.bytes,
      sound: block?.wire ?? null,
      onPictureFree: () => {
        picture.release();
      },
      onSoundSent: () => {
        if (block?.utteranceId == null) return;
        this.#playing = block;
        this.#options.onBlockStarted(block);
      },
      onPictureSent: () => {
        if (step.kind === 'frame') this.#firstFrameSent();
      },
    };
  }

  /** Idle motion, or listening; between them pictures have to be made, and until the first is there the last one stands. */
  #showLoop(): void {
    const { row } = this.#track;
    const loop = this.#blend.loopAt(row);
    if (loop === null) {
      this.#track.missed();
      this.#track.bridge(this.#blend.framesLeft(this.#track.row));
    }
    const { idle, listening } = this.#options.avatar;
    const frames = loop === 'listening' ? listening : loop === 'idle' ? idle : null;
    if (frames) this.#show(new Picture(frames.at(row)));
  }

  #show(picture: Picture): void {
    this.#picture.release();
    this.#picture = picture;
  }

  #firstFrameSent(): void {
    if (this.#soundSinceMs === null) return;
    this.#options.meter.firstFrameMs = this.#options.nowMs() - this.#soundSinceMs;
    this.#soundSinceMs = null;
  }

  /** What lies under the sound in every frame of a chunk. */
  #expression(plan: ChunkPlan): Float32Array {
    const width = this.#options.avatar.bundle.expression.parameters.length;
    const rows = new Float32Array(plan.frames * width);
    const { lookaheadFrames } = this.#options.avatar.bundle;
    if (plan.reset) this.#mood.set(plan.emotions[0] ?? 'neutral');
    for (let frame = 0; frame < plan.frames; frame += 1) {
      const gesture = plan.gestures[frame];
      // The row fed with a block is that of an earlier one's picture; the block's own comes after the look-ahead.
      if (gesture) this.#blend.gesture(plan.firstRow + frame + lookaheadFrames - 1, gesture, 'speech');
      const row = rows.subarray(frame * width, (frame + 1) * width);
      row.set(this.#blend.expression(plan.firstRow + frame));
      this.#mood.move(plan.emotions[frame] ?? 'neutral', row);
    }
    return rows;
  }
}

/** A picture that the encoder and a possible repeat share; given back when neither needs it. */
class Picture {
  readonly bytes: Uint8Array;
  readonly #onFree: (() => void) | undefined;
  #users = 1;

  constructor(bytes: Uint8Array, onFree?: () => void) {
    this.bytes = bytes;
    this.#onFree = onFree;
  }

  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#onFree?.();
  }
}
