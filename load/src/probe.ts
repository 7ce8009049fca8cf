/**
 * Runs inside the page: sees what a person would see and hears what a person would hear. Times are the page's
 * `performance.now()`; pictures count from when they are expected on the screen, sound from when it leaves the context.
 */
/// <reference lib="dom" />
import type { AvatarSession } from '@vizavi/client';

/** One displayed frame: how far the mouth is from its rest, in levels of luma. */
interface MouthSample {
  readonly ms: number;
  readonly mouth: number;
}
/** One block of played sound: its RMS. */
interface SoundSample {
  readonly ms: number;
  readonly rms: number;
}

/** Served by the server under test; not a module that a bundler could find. */
const CLIENT: string = '/client/vizavi.js';

/** Where the mouth of the 512×512 face is. */
const MOUTH = { x: 206, y: 296, width: 100, height: 72 };
const GRID = { width: 25, height: 18 };
/** A mouth this far from every rest is speaking; idle motion and the codec's noise stay below 1. */
const VOICED = 2;
/** The bundle's idle motion repeats after 360 frames. */
const IDLE_LOOP_MS = 14_600;
const REST_EVERY_MS = 160;
/** Speech is louder, silence is quieter. */
export const AUDIBLE = 0.01;

export class Probe {
  readonly mouth: MouthSample[] = [];
  readonly sound: SoundSample[] = [];
  /** Samples that are kept of each; the older half goes when there are more. */
  protected most = 40_000;
  readonly #canvas = new OffscreenCanvas(GRID.width, GRID.height);
  #rest: readonly Float64Array[] | null = null;
  #session: AvatarSession | null = null;
  #video: HTMLVideoElement | null = null;
  #audio: AudioContext | null = null;
  #meter: AudioWorkletNode | null = null;
  #tapped: MediaStreamAudioSourceNode | null = null;

  /** Joins with a token; answers how long it took until the first frame was shown. */
  async join(token: string): Promise<number> {
    const { AvatarSession: Session } = (await import(CLIENT)) as {
      AvatarSession: typeof AvatarSession;
    };
    const video = Object.assign(document.createElement('video'), { playsInline: true, autoplay: true });
    document.body.replaceChildren(video);
    this.#video = video;
    const startMs = performance.now();
    const session = new Session(token, { url: location.origin });
    this.#session = session;
    session.attach(video);
    const shown = new Promise<number>((resolve) => {
      video.requestVideoFrameCallback((_now, frame) => {
        resolve(frame.expectedDisplayTime);
      });
    });
    await session.start();
    const joinMs = (await shown) - startMs;
    this.#watch(video);
    await this.#listen(video.srcObject as MediaStream);
    return joinMs;
  }

  get session(): AvatarSession {
    if (!this.#session) throw new Error('not joined');
    return this.#session;
  }

  async leave(): Promise<void> {
    await this.#session?.stop();
    await this.#audio?.close();
    this.#session = this.#video = this.#audio = this.#meter = this.#tapped = this.#rest = null;
    this.mouth.length = this.sound.length = 0;
  }

  /** Learns the mouth at rest from what is shown now: one loop of the idle motion, smile and all. */
  async learnRest(): Promise<void> {
    const rest: Float64Array[] = [];
    const until = performance.now() + IDLE_LOOP_MS;
    while (performance.now() < until) {
      const luma = this.#mouthLuma();
      if (luma) rest.push(luma);
      await wait(REST_EVERY_MS);
    }
    this.#rest = rest;
  }

  /** Starts `action` and waits for the first frame whose mouth is off its rest; times count from the action. */
  async untilVoiced(action: 'text' | 'audio', limitMs = 5000): Promise<{ frameMs: number; soundMs: number }> {
    const startMs = performance.now();
    const spoken =
      action === 'text'
        ? this.session.repeat('Papa bought a big blue piano.')
        : this.session.repeatAudio(await speech(), { sampleRate: 16_000 });
    spoken.catch(() => undefined);
    const frame = await this.#first(
      this.mouth,
      (sample) => sample.mouth > VOICED && sample.ms >= startMs,
      limitMs,
    );
    const sound = await this.#first(
      this.sound,
      (sample) => sample.rms > AUDIBLE && sample.ms >= startMs,
      limitMs,
    );
    return { frameMs: frame.ms - startMs, soundMs: sound.ms - startMs };
  }

  /** The picture that is watched, with its sound. */
  get stream(): MediaStream {
    return this.#video?.srcObject as MediaStream;
  }

  /** Interrupts; answers when the last sound and the last moving mouth were, counted from the call. */
  async interrupt(): Promise<{ soundMs: number; mouthMs: number; answerMs: number }> {
    const startMs = performance.now();
    await this.session.interrupt();
    const answerMs = performance.now() - startMs;
    await wait(900);
    const lastSound = this.sound.findLast((sample) => sample.rms > AUDIBLE && sample.ms >= startMs);
    const lastMouth = this.mouth.findLast((sample) => sample.mouth > VOICED && sample.ms >= startMs);
    return {
      soundMs: Math.max(0, (lastSound?.ms ?? startMs) - startMs),
      mouthMs: Math.max(0, (lastMouth?.ms ?? startMs) - startMs),
      answerMs,
    };
  }

  /** Waits until nothing is heard and the mouth is still. */
  async quiet(): Promise<void> {
    for (;;) {
      const since = performance.now() - 400;
      const noise = this.sound.some((sample) => sample.ms > since && sample.rms > AUDIBLE);
      const moving = this.mouth.some((sample) => sample.ms > since && sample.mouth > VOICED);
      if (!noise && !moving) return;
      await wait(50);
    }
  }

  /** What was seen and heard since `ms`. */
  samples(sinceMs: number): { mouth: MouthSample[]; sound: SoundSample[] } {
    return {
      mouth: this.mouth.filter((sample) => sample.ms >= sinceMs),
      sound: this.sound.filter((sample) => sample.ms >= sinceMs),
    };
  }

  #watch(video: HTMLVideoElement): void {
    const onFrame: VideoFrameRequestCallback = (_now, frame) => {
      if (this.#video !== video) return;
      this.#tap(video.srcObject as MediaStream);
      const luma = this.#mouthLuma();
      if (luma && this.#rest) {
        const mouth = Math.min(...this.#rest.map((rest) => distance(luma, rest)));
        this.mouth.push({ ms: frame.expectedDisplayTime, mouth });
        if (this.mouth.length > this.most) this.mouth.splice(0, this.most / 2);
      }
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  }

  #mouthLuma(): Float64Array | null {
    if (!this.#video?.videoWidth) return null;
    const context = this.#canvas.getContext('2d', { willReadFrequently: true });
    if (!context) return null;
    context.drawImage(
      this.#video,
      MOUTH.x,
      MOUTH.y,
      MOUTH.width,
      MOUTH.height,
      0,
      0,
      GRID.width,
      GRID.height,
    );
    const { data } = context.getImageData(0, 0, GRID.width, GRID.height);
    return Float64Array.from(
      { length: GRID.width * GRID.height },
      (_, cell) => 0.3 * data[cell * 4]! + 0.59 * data[cell * 4 + 1]! + 0.11 * data[cell * 4 + 2]!,
    );
  }

  async #listen(stream: MediaStream): Promise<void> {
    const context = new AudioContext({ latencyHint: 'interactive', sampleRate: 48_000 });
    this.#audio = context;
    const source = URL.createObjectURL(new Blob([METER], { type: 'text/javascript' }));
    await context.audioWorklet.addModule(source);
    URL.revokeObjectURL(source);
    const meter = new AudioWorkletNode(context, 'meter');
    meter.port.onmessage = ({ data }: MessageEvent<{ at: number; rms: number }>) => {
      const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
      this.sound.push({ ms: performanceTime + (data.at - contextTime) * 1000, rms: data.rms });
      if (this.sound.length > this.most) this.sound.splice(0, this.most / 2);
    };
    meter.connect(context.destination);
    this.#meter = meter;
    this.#tap(stream);
    await context.resume();
  }

  /** A source node hears the track that it found at first; a session may change its tracks. */
  #tap(stream: MediaStream): void {
    const [track] = stream.getAudioTracks();
    if (!track || track === this.#tapped?.mediaStream.getAudioTracks()[0] || !this.#audio || !this.#meter)
      return;
    this.#tapped?.disconnect();
    this.#tapped = this.#audio.createMediaStreamSource(new MediaStream([track]));
    this.#tapped.connect(this.#meter);
  }

  async #first<T>(samples: readonly T[], wanted: (sample: T) => boolean, limitMs: number): Promise<T> {
    const until = performance.now() + limitMs;
    for (;;) {
      const found = samples.find(wanted);
      if (found) return found;
      if (performance.now() > until) throw new Error('nothing was seen or heard in time');
      await wait(5);
    }
  }
}

/** An AudioWorklet that reports the RMS of every 5⅓ ms. */
const METER = `
  registerProcessor('meter', class extends AudioWorkletProcessor {
    #sum = 0; #count = 0; #at = 0;
    process([input]) {
      const samples = input[0];
      if (this.#count === 0) this.#at = currentTime;
      if (samples) for (const sample of samples) this.#sum += sample * sample;
      this.#count += 128;
      if (this.#count >= 256) {
        this.port.postMessage({ at: this.#at, rms: Math.sqrt(this.#sum / this.#count) });
        this.#sum = this.#count = 0;
      }
      return true;
    }
  });`;

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let cell = 0; cell < a.length; cell += 1) sum += Math.abs(a[cell]! - b[cell]!);
  return sum / a.length;
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

let spokenSample: Int16Array | null = null;

/** The sound for `repeatAudio`, put here by whoever drives the page. */
async function speech(): Promise<Int16Array> {
  spokenSample ??= new Int16Array(
    await (await fetch((globalThis as { speechUrl?: string }).speechUrl ?? '')).arrayBuffer(),
  );
  return spokenSample;
}

Object.assign(globalThis, { probe: new Probe() });
