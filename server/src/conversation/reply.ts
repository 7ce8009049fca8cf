import { VizaviError } from '@vizavi/signaling';
import type { Manner, SessionEvent, TurnLatency } from '@vizavi/signaling';
import type { Brain, Exchange, Tool } from '../brain/brain.ts';
import type { Clock } from '../clock.ts';
import type { Speech } from '../speech.ts';
import type { Telemetry } from '../telemetry.ts';
import type { Ended } from '../utterance.ts';
import type { PageTools } from './page-tools.ts';
import { withoutCues } from './cue.ts';
import { Script } from './script.ts';

/** When a turn of the visitor's was over, on the server's clock. */
export interface TurnTimes {
  /** The last sound of it, or the arrival of what was typed. */
  readonly endMs: number;
  /** It counted as over. */
  readonly overMs: number;
  /** It was known what it said. */
  readonly textMs: number;
}

export interface ReplyOptions {
  readonly brain: Brain;
  readonly instructions: string | null;
  readonly tools: readonly Tool[];
  readonly pageTools: PageTools;
  readonly speech: Speech;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly emit: (event: SessionEvent) => void;
  /** Said in place of what a brain that fails does not say. */
  readonly fallbackLine: string;
}

/** One answer on its way from the brain to the voice. It may be begun before it is certain that it is wanted. */
export class Reply {
  readonly replyId: string;
  readonly #options: ReplyOptions;
  readonly #script: Script;
  readonly #abort = new AbortController();
  readonly #wanted = Promise.withResolvers<undefined>();
  #manner: Manner = {};
  #sentenceMs: number | null = null;
  #soundMs: number | null = null;
  #startedMs: number | null = null;

  /** The brain begins at once. */
  constructor(replyId: string, history: readonly Exchange[], options: ReplyOptions) {
    this.replyId = replyId;
    this.#options = options;
    this.#wanted.promise.catch(() => undefined);
    this.#script = new Script(this.#pieces(history), () => {
      this.#abort.abort();
      this.#wanted.reject(new VizaviError('interrupted', 'the reply is not wanted'));
    });
    void this.#script.begun.then(() => (this.#sentenceMs = options.clock.nowMs()));
  }

  /** Says it. @throws VizaviError `too_many_requests` */
  say(times: TurnTimes, onEnded: (ended: Ended, latency: TurnLatency) => void): void {
    const { speech, clock, telemetry, emit } = this.#options;
    const { replyId } = this;
    const wantedMs = clock.nowMs();
    this.#wanted.resolve(undefined);
    speech.recite(replyId, this.#script, () => this.#manner, {
      onSound: () => (this.#soundMs = clock.nowMs()),
      onStarted: () => {
        this.#startedMs = clock.nowMs();
        telemetry.metrics.turnMs.observe(this.#startedMs - times.endMs);
      },
      onEnded: (ended) => {
        const latency = this.#latency(times, wantedMs);
        telemetry.metrics.replies.inc({ outcome: ended.outcome });
        onEnded(ended, latency);
        const { text, heard, outcome } = ended;
        emit({ type: 'avatar.reply_ended', body: { replyId, text, heard, outcome, latency } });
      },
    });
  }

  /** It is not wanted after all. */
  cancel(): void {
    this.#script.cancel();
  }

  #latency({ endMs, overMs, textMs }: TurnTimes, wantedMs: number): TurnLatency {
    const sentenceMs = this.#sentenceMs;
    const soundMs = this.#soundMs;
    const startedMs = this.#startedMs;
    const between = (from: number | null, to: number | null): number | null =>
      from === null || to === null ? null : Math.max(0, to - from);
    // What was ready before the turn was over cost nothing.
    const ready = sentenceMs === null ? null : Math.max(sentenceMs, wantedMs);
    return {
      endOfTurnMs: Math.max(0, overMs - endMs),
      earsMs: between(overMs, Math.max(textMs, overMs)),
      brainMs: between(Math.max(textMs, overMs), ready),
      voiceMs: between(ready, soundMs),
      avatarMs: between(soundMs, startedMs),
      totalMs: between(endMs, startedMs),
    };
  }

  async *#pieces(history: readonly Exchange[]): AsyncGenerator<string> {
    const { brain, instructions, tools, pageTools, speech, clock, telemetry, fallbackLine } = this.#options;
    const { signal } = this.#abort;
    const startMs = clock.nowMs();
    let text = '';
    try {
      const written = brain.reply({
        instructions,
        history,
        tools,
        signal,
        callTool: async (call) => {
          // What the page does cannot be taken back: a reply that nobody hears yet does nothing.
          await this.#wanted.promise;
          return pageTools.call(this.replyId, call, signal);
        },
      });
      const words = withoutCues(written, (cue) => (this.#manner = { ...this.#manner, ...cue }));
      for await (const piece of words) {
        if (text.trim() === '' && piece.trim() !== '')
          telemetry.metrics.brainFirstMs.observe(clock.nowMs() - startMs);
        text += piece;
        yield piece;
      }
      if (text.trim() !== '') return;
      const { gesture } = this.#manner;
      if (!gesture) throw new VizaviError('brain_failed', 'the brain had nothing to say');
      // A nod is an answer. Without a sound to travel with it goes by itself, once it is wanted.
      await this.#wanted.promise;
      speech.gesture(gesture);
    } catch (error) {
      if (signal.aborted) throw error;
      telemetry.metrics.brainErrors.inc({ brain: brain.name });
      telemetry.log.error({ err: error, brain: brain.name }, 'the brain failed');
      // In the midst of a sentence: it breaks off, audibly.
      yield text.trim() === '' || /[.!?…]\s*$/.test(text) ? ` ${fallbackLine}` : `… ${fallbackLine}`;
    }
  }
}
