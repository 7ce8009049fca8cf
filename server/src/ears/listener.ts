import type { VizaviError } from '@vizavi/signaling';
import { Alarm, systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { BLOCK_MS } from './hearing-messages.ts';
import type { Ear, HeardFrame, Hearing } from './hearing.ts';
import { levelDb } from './level.ts';
import { SoundStore } from './sound-store.ts';
import { TurnDetector } from './turn-detector.ts';
import type { TurnEvent } from './turn-events.ts';

/** A turn that is over. */
export interface Heard {
  /** Mono, 16 kHz: the turn, a little before it, at most 60 s. The same as at `probableEnd` unless the visitor went on. */
  readonly pcm: Int16Array;
  /** From the first to the last voice. */
  readonly durationMs: number;
  /** Since the last voice. */
  readonly silenceMs: number;
}

/** What a visitor does: `speechStarted (probableEnd resumed)* probableEnd? (ended | misfire)`, again and again. */
export interface ListenerEvents {
  speechStarted(started: { readonly beganMsAgo: number }): void;
  /** The visitor may have said all: a reply may be prepared. */
  probableEnd(turn: { readonly pcm: Int16Array }): void;
  /** The visitor has not. */
  resumed(): void;
  /** Speech of more than 60 s comes in parts, the next one starting at once. */
  ended(turn: Heard): void;
  /** It was too short for speech, or was dropped. */
  misfire(): void;
  /** `ears_failed`: sound was lost; an open turn has ended before. Listening goes on. */
  failed?(error: VizaviError): void;
}

export type ListenMode = 'off' | 'open' | 'push';

export interface ListenerOptions {
  readonly hearing: Pick<Hearing, 'listen'>;
  readonly events: ListenerEvents;
  /** The avatar can be heard now. */
  readonly avatarSpeaks: () => boolean;
  /** Silence after which a turn is over, 100–1,800 ms. */
  readonly endAfterMs?: number;
  readonly clock?: Clock;
}

/** A push ends without the microphone, if that is silent, after so long. */
const MAX_RELEASE_MS = 600;

/** One session's microphone: its packets go in, turns come out. Begins in mode `off`. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #detector: TurnDetector;
  readonly #sound = new SoundStore();
  readonly #release: Alarm;
  #mode: ListenMode = 'off';
  #ear: Ear | null = null;
  #closed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { endAfterMs } = options;
    this.#detector = new TurnDetector({ frameMs: BLOCK_MS, ...(endAfterMs !== undefined && { endAfterMs }) });
    this.#release = new Alarm(options.clock ?? systemClock, () => this.#tell(this.#detector.finish()));
  }

  get mode(): ListenMode {
    return this.#mode;
  }

  /** For figures: how much sound is kept. */
  get keptMs(): number {
    return this.#sound.durationMs;
  }

  /** An RTP packet of Opus; ignored in mode `off`. */
  packet(rtp: Uint8Array): void {
    this.#ear?.packet(rtp);
  }

  /** Drops an open turn when the mode changes. @throws VizaviError `ears_failed` when hearing is closed */
  setMode(mode: ListenMode): void {
    if (this.#closed || mode === this.#mode) return;
    this.#mode = mode;
    this.#release.clear();
    this.#tell(this.#detector.cancel());
    if (mode === 'off') this.#deafen();
    else this.#detector.mode = mode;
    if (mode !== 'off') this.#listen();
  }

  /** From now on everything counts; no effect in mode `off`. */
  pushStart(): void {
    if (this.#mode === 'off') return;
    this.#release.clear();
    this.#tell(this.#detector.pushStart());
  }

  /** The turn ends as soon as the last of it has come. */
  pushEnd(): void {
    if (this.#detector.pushEnd()) this.#release.set(MAX_RELEASE_MS);
  }

  /** Ends the open turn after this much silence, once: its words are whole, or are not. */
  endAfter(silenceMs: number): void {
    this.#detector.endAfter(silenceMs);
  }

  /** Frees everything; no event comes any more. */
  close(): void {
    this.#closed = true;
    this.#mode = 'off';
    this.#release.clear();
    this.#deafen();
  }

  #listen(): void {
    this.#ear ??= this.#options.hearing.listen({
      onFrame: (frame) => this.#hear(frame),
      onError: (error) => {
        this.#release.clear();
        this.#tell(this.#detector.finish());
        if (!this.#closed) this.#options.events.failed?.(error);
      },
    });
  }

  #deafen(): void {
    this.#ear?.close();
    this.#ear = null;
    this.#sound.clear();
    this.#detector.restart();
  }

  #hear({ pcm, probability, atMs }: HeardFrame): void {
    this.#sound.add(pcm, atMs);
    const frame = { atMs, probability, levelDb: levelDb(pcm) };
    this.#tell(this.#detector.frame(frame, this.#options.avatarSpeaks()));
    this.#sound.keepFrom(this.#detector.keepFromMs);
  }

  #tell(told: readonly TurnEvent[]): void {
    const { events } = this.#options;
    for (const event of told) {
      // Who is told may have closed this.
      if (this.#closed) return;
      switch (event.type) {
        case 'speechStarted':
          events.speechStarted({ beganMsAgo: event.beganMsAgo });
          break;
        case 'probableEnd':
          events.probableEnd({ pcm: this.#sound.range(event.fromMs, event.toMs) });
          break;
        case 'resumed':
          events.resumed();
          break;
        case 'ended': {
          this.#release.clear();
          const { fromMs, toMs, durationMs, silenceMs } = event;
          events.ended({ pcm: this.#sound.range(fromMs, toMs), durationMs, silenceMs });
          break;
        }
        case 'misfire':
          this.#release.clear();
          events.misfire();
          break;
      }
    }
  }
}
