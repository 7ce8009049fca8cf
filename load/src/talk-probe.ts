/** Runs inside the page: a visitor whose microphone is given prerecorded speech and the echo of the loudspeakers. */
/// <reference lib="dom" />
import { AUDIBLE, Probe } from './probe.ts';

interface Seen {
  readonly ms: number;
  readonly type: string;
  readonly body: Record<string, unknown>;
}

/** The avatar's voice as it comes back into the microphone after a browser's echo cancellation. */
const ECHO_GAIN = 10 ** (-25 / 20);
const ECHO_DELAY_SEC = 0.06;
const EVENTS = [
  'user.speak_started',
  'user.speak_ended',
  'user.transcription',
  'avatar.speak_started',
  'avatar.speak_ended',
  'avatar.reply_ended',
  'avatar.transcription.chunk',
  'captions.changed',
] as const;

class TalkProbe extends Probe {
  readonly events: Seen[] = [];
  /** A whole conversation: half an hour of blocks of 5 ms. */
  protected override most = 400_000;
  #microphone: { readonly context: AudioContext; readonly out: MediaStreamAudioDestinationNode } | null =
    null;

  /** Joins, and opens a microphone that only {@link say} speaks into. */
  async talk(token: string): Promise<void> {
    const context = new AudioContext({ sampleRate: 48_000 });
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    this.#microphone = { context, out };
    navigator.mediaDevices.getUserMedia = () => Promise.resolve(out.stream.clone());
    await this.join(token);
    for (const type of EVENTS) {
      this.session.on(type, (body) => {
        this.events.push({ ms: performance.now(), type, body: { ...body } });
      });
    }
    const [voice] = this.stream.getAudioTracks();
    if (!voice) throw new Error('the avatar has no voice');
    context
      .createMediaStreamSource(new MediaStream([voice]))
      .connect(new DelayNode(context, { delayTime: ECHO_DELAY_SEC }))
      .connect(new GainNode(context, { gain: ECHO_GAIN }))
      .connect(out);
    await context.resume();
    await this.session.startListening();
  }

  /** Speaks into the microphone, now. @param base64 s16le mono 16 kHz */
  say(base64: string): { startMs: number; endMs: number } {
    if (!this.#microphone) throw new Error('no microphone');
    const { context, out } = this.#microphone;
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const pcm = new Int16Array(bytes.buffer);
    const buffer = new AudioBuffer({ length: pcm.length, sampleRate: 16_000 });
    buffer.copyToChannel(
      Float32Array.from(pcm, (sample) => sample / 32_768),
      0,
    );
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(out);
    const startSec = context.currentTime + 0.02;
    source.start(startSec);
    const startMs = performance.now() + 20;
    return { startMs, endMs: startMs + buffer.duration * 1000 };
  }

  /** Waits for an event after `sinceMs`. False: none came in time. */
  async until(type: string, sinceMs: number, limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    while (performance.now() < endMs) {
      if (this.events.some((event) => event.type === type && event.ms > sinceMs)) return true;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return false;
  }

  /** Waits until the avatar has been heard without a gap for so long. False: it was not in time. */
  async untilHeard(forMs: number, limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs;
    while (performance.now() < endMs) {
      const sinceMs = performance.now() - forMs;
      const lately = this.sound.slice(-forMs).filter(({ ms }) => ms > sinceMs);
      if (lately.length > 0 && lately.every(({ rms }) => rms > AUDIBLE)) return true;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return false;
  }

  async hangUp(): Promise<void> {
    await this.leave();
    await this.#microphone?.context.close();
  }
}

Object.assign(globalThis, { probe: new TalkProbe() });
export type { TalkProbe };
