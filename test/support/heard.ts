import type { EarOptions, HeardFrame, Hearing } from '../../server/src/ears/hearing.ts';
import { Listener } from '../../server/src/ears/listener.ts';
import type { ListenMode } from '../../server/src/ears/listener.ts';
import { durationMs, OpusMicrophone } from './spoken.ts';

export type HeardEvent =
  | { readonly type: 'speechStarted'; readonly atMs: number; readonly beganMsAgo: number }
  | { readonly type: 'probableEnd'; readonly atMs: number; readonly pcm: Int16Array }
  | { readonly type: 'resumed'; readonly atMs: number }
  | {
      readonly type: 'ended';
      readonly atMs: number;
      readonly pcm: Int16Array;
      readonly durationMs: number;
      readonly silenceMs: number;
    }
  | { readonly type: 'misfire'; readonly atMs: number };

export interface HearOptions {
  readonly mode?: ListenMode;
  /** Of the microphone's time. */
  readonly avatarSpeaks?: (atMs: number) => boolean;
  /** What becomes of the packets on their way. */
  readonly network?: (packets: Buffer[]) => Buffer[];
  readonly endAfterMs?: number;
  /** Goes on listening after the sound, until so much was heard. */
  readonly untilMs?: number;
}

/** So many packets are under way at most: a network may make four of each, and the thread keeps 500. */
const PACKETS_AHEAD = 120;
/** Sound that packets of the end may still hold back. */
const HELD_BACK_MS = 400;

export interface HeardAll {
  readonly events: HeardEvent[];
  readonly frames: HeardFrame[];
}

/**
 * Lets a listener hear a sound, faster than it would sound: real packets, the real thread. `atMs` of an event is the end of the
 * frame that it came with. The hearing must not take a slow machine for a silent microphone.
 */
export async function hear(
  hearing: Hearing,
  sound: Int16Array,
  options: HearOptions = {},
): Promise<HeardAll> {
  const microphone = await OpusMicrophone.open();
  const packets = await microphone.packets(sound);
  await microphone.close();
  const events: HeardEvent[] = [];
  const frames: HeardFrame[] = [];
  let nowMs = 0;
  let wake: () => void = () => undefined;
  const tapped = {
    listen: (ear: EarOptions) =>
      hearing.listen({
        ...ear,
        onFrame: (frame) => {
          nowMs = frame.atMs + 32;
          frames.push(frame);
          ear.onFrame(frame);
          wake();
        },
      }),
  };
  const listener = new Listener({
    hearing: tapped,
    avatarSpeaks: () => options.avatarSpeaks?.(nowMs) ?? false,
    ...(options.endAfterMs !== undefined && { endAfterMs: options.endAfterMs }),
    events: {
      speechStarted: (started) => events.push({ type: 'speechStarted', atMs: nowMs, ...started }),
      probableEnd: (turn) => events.push({ type: 'probableEnd', atMs: nowMs, ...turn }),
      resumed: () => events.push({ type: 'resumed', atMs: nowMs }),
      ended: (turn) => events.push({ type: 'ended', atMs: nowMs, ...turn }),
      misfire: () => events.push({ type: 'misfire', atMs: nowMs }),
    },
  });
  listener.setMode(options.mode ?? 'open');
  try {
    const heardUntil = async (ms: number): Promise<void> => {
      while (nowMs < ms) await new Promise<void>((resolve) => (wake = resolve));
    };
    for (let at = 0; at < packets.length; at += PACKETS_AHEAD) {
      const part = packets.slice(at, at + PACKETS_AHEAD);
      for (const packet of options.network?.(part) ?? part) listener.packet(packet);
      await heardUntil(Math.min(20 * (at + part.length), durationMs(sound)) - HELD_BACK_MS);
    }
    await heardUntil(options.untilMs ?? 0);
  } finally {
    listener.close();
  }
  return { events, frames };
}
