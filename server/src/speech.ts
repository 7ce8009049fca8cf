import { randomUUID } from 'node:crypto';
import { MAX_TEXT_LENGTH, VizaviError } from '@vizavi/signaling';
import type { Gesture, Manner, SessionEvent } from '@vizavi/signaling';
import type { Clock } from './clock.ts';
import type { LeasedSlot } from './leased-slot.ts';
import { Percentiles } from './percentiles.ts';
import type { Telemetry } from './telemetry.ts';
import type { Script } from './conversation/script.ts';
import { voiced } from './conversation/voiced.ts';
import { PIECE_MS, Utterance } from './utterance.ts';
import type { Outcome, UtteranceEvents } from './utterance.ts';
import type { Voice } from './voice/voice.ts';

/** Sound that may wait at a slot, or be synthesised in advance: what a failover has to send again stays small. */
const MAX_AHEAD_MS = 10_000;
const MAX_QUEUED = 50;
/** Ended utterances that are remembered, so that a command that is sent again changes nothing. */
const MAX_REMEMBERED = 1000;
const NO_SOUND = new Int16Array();
/** How long a browser with a bad network holds sound before it plays it; usually a tenth of that. */
const PLAYOUT_MS = 700;

export interface SpeechOptions {
  readonly voice: Voice;
  readonly voiceName: string;
  /** Says the line when the voice has failed; null where the voice is the embedded one itself. */
  readonly standIn: { voice(): Promise<Voice> } | null;
  readonly fallbackLine: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly emit: (event: SessionEvent) => void;
}

/** What a session has to say: utterances in order, from text or sound to the slot that says them. */
export class Speech {
  /** Time from a text to its first sound. */
  readonly voiceMs = new Percentiles();
  readonly #options: SpeechOptions;
  readonly #queue: Utterance[] = [];
  /** Of the queue: what the stand-in says. */
  readonly #standsIn = new WeakSet<Utterance>();
  readonly #ended = new Map<string, Outcome>();
  #slot: LeasedSlot | null = null;
  #watched = false;
  #generation = 0;
  #synthesising = false;
  #abort = new AbortController();
  #silenced: Promise<void> = Promise.resolve();
  #wakeVoice: () => void = () => undefined;
  /** When the last utterance that could be heard was over. */
  #lastSoundMs = -Infinity;

  constructor(options: SpeechOptions) {
    this.#options = options;
  }

  /** True while there is anything left to say. */
  get active(): boolean {
    return this.#queue.length > 0;
  }

  /** True while it can be heard where the viewers are: later than on the wire by what their browsers buffer. */
  get audible(): boolean {
    if (this.#queue.some(({ announced }) => announced)) return true;
    return this.#options.clock.nowMs() - this.#lastSoundMs < PLAYOUT_MS;
  }

  /** The utterance waits, is spoken, or has ended before. */
  knows(utteranceId: string): boolean {
    return this.#ended.has(utteranceId) || this.#find(utteranceId) !== undefined;
  }

  outcome(utteranceId: string): Outcome | undefined {
    return this.#ended.get(utteranceId);
  }

  /** Nobody misses anything: sound is given out only while somebody watches. */
  set watched(watched: boolean) {
    this.#watched = watched;
    this.pump();
  }

  /** @throws VizaviError `text_too_long`, `invalid_text`, `too_many_requests` */
  say(utteranceId: string, text: string, manner?: Manner): void {
    if (text.length > MAX_TEXT_LENGTH) {
      throw new VizaviError('text_too_long', `a text has at most ${MAX_TEXT_LENGTH} characters`);
    }
    if (text.trim() === '') throw new VizaviError('invalid_text', 'there is nothing to say');
    if (this.knows(utteranceId)) return;
    this.#add(utteranceId, text, manner);
  }

  /** Says what is still being written. @throws VizaviError `too_many_requests` */
  recite(
    utteranceId: string,
    script: Script,
    manner: Manner | (() => Manner) = {},
    events: UtteranceEvents = {},
  ): void {
    if (!this.knows(utteranceId)) this.#add(utteranceId, script, manner, events);
  }

  /** The face does this now; without a slot nobody would see it. */
  gesture(gesture: Gesture): void {
    this.#slot?.gesture(gesture);
  }

  /** @throws VizaviError `too_many_requests` */
  enqueue(utterance: Utterance): void {
    if (this.#queue.length >= MAX_QUEUED) {
      throw new VizaviError('too_many_requests', `at most ${MAX_QUEUED} utterances may wait`);
    }
    this.#queue.push(utterance);
  }

  /** Gives the slot what it may have. Called whenever there is more sound, or more room. */
  pump(): void {
    for (let head = this.#queue[0]; head && isOver(head); head = this.#queue[0]) this.#end(head);
    this.#wakeVoice();
    const slot = this.#slot;
    if (!slot || !this.#watched) return;
    const generation = this.#generation;
    let aheadMs = this.#queue.reduce((sum, utterance) => sum + utterance.aheadMs, 0);
    for (const utterance of this.#queue) {
      const { utteranceId, sampleRate } = utterance;
      const { emotion = 'neutral', gesture } = utterance.manner;
      while (!utterance.drained && aheadMs + PIECE_MS <= MAX_AHEAD_MS) {
        const samples = utterance.next() ?? NO_SOUND;
        utterance.closed = utterance.complete && utterance.drained;
        slot.audio({
          ...{ generation, utteranceId, sampleRate, samples, last: utterance.closed, emotion },
          // Another slot that goes on with it does not begin it again.
          ...(gesture && utterance.playedMs === 0 && { gesture }),
        });
        aheadMs += (samples.length * 1000) / sampleRate;
      }
      if (!utterance.drained || !utterance.complete) return;
      if (!utterance.closed && utterance.given) {
        utterance.closed = true;
        slot.audio({ generation, utteranceId, sampleRate, samples: NO_SOUND, last: true, emotion });
      }
    }
  }

  /** Silence. Resolves when the worker has stopped. */
  async interrupt(): Promise<{ interrupted: string[]; tookMs: number }> {
    const { clock, telemetry } = this.#options;
    const startMs = clock.nowMs();
    const victims = this.#cancel();
    if (victims.length > 0) {
      this.#generation += 1;
      this.#silenced = this.#silence(victims);
    }
    await this.#silenced;
    const tookMs = clock.nowMs() - startMs;
    if (victims.length > 0) telemetry.metrics.interruptMs.observe(tookMs);
    return { interrupted: victims.map(({ utteranceId }) => utteranceId), tookMs };
  }

  /** The slot is gone; what it has not played waits for the next one. */
  pause(): void {
    this.#slot = null;
  }

  /** Goes on at this slot with the first sound that was not played. */
  moveTo(slot: LeasedSlot): void {
    for (const utterance of this.#queue) utterance.rewind();
    this.#slot = slot;
    this.pump();
  }

  started(utteranceId: string): void {
    const utterance = this.#find(utteranceId);
    if (!utterance || utterance.announced) return;
    utterance.announced = true;
    utterance.events.onStarted?.();
    const latencyMs = Math.max(0, this.#options.clock.nowMs() - utterance.arrivedMs);
    this.#options.telemetry.metrics.speakStartedMs.observe(latencyMs);
    this.#options.emit({ type: 'avatar.speak_started', body: { utteranceId, latencyMs } });
  }

  progress(utteranceId: string, playedMs: number): void {
    this.#find(utteranceId)?.played(playedMs);
    this.pump();
  }

  ended(utteranceId: string, playedMs: number): void {
    const utterance = this.#find(utteranceId);
    if (!utterance) return;
    utterance.played(playedMs);
    this.#end(utterance);
    this.pump();
  }

  /** Ends everything that was still to be said. */
  close(): void {
    this.#slot = null;
    for (const utterance of this.#cancel()) this.#report(utterance, 'interrupted');
  }

  #add(
    utteranceId: string,
    source: string | Script,
    manner?: Manner | (() => Manner),
    events?: UtteranceEvents,
  ): void {
    this.enqueue(new Utterance(utteranceId, source, this.#options.clock.nowMs(), manner, events));
    void this.#synthesise();
  }

  #cancel(): Utterance[] {
    const victims = this.#queue.splice(0);
    this.#abort.abort();
    this.#wakeVoice();
    for (const victim of victims) {
      this.#remember(victim.utteranceId, 'interrupted');
      victim.cancel();
    }
    return victims;
  }

  async #silence(victims: readonly Utterance[]): Promise<void> {
    try {
      const stopped = await this.#slot?.interrupt(this.#generation);
      victims.find(({ utteranceId }) => utteranceId === stopped?.utteranceId)?.played(stopped?.playedMs ?? 0);
    } catch (err) {
      // The slot went at that moment, and silence with it.
      this.#options.telemetry.log.warn({ err }, 'an interrupt was not answered');
    }
    for (const utterance of victims) this.#report(utterance, 'interrupted');
  }

  /** One text at a time: the voice makes the next one while the slot still says the one before. */
  async #synthesise(): Promise<void> {
    if (this.#synthesising) return;
    this.#synthesising = true;
    try {
      for (;;) {
        const next = this.#queue.find(({ source, complete }) => source !== null && !complete);
        if (!next) return;
        this.#abort = new AbortController();
        await this.#voice(next, next.source ?? '', this.#abort.signal);
        this.pump();
      }
    } finally {
      this.#synthesising = false;
    }
  }

  async #voice(utterance: Utterance, source: string | Script, signal: AbortSignal): Promise<void> {
    const { voiceName, standIn, clock, emit, telemetry } = this.#options;
    const { utteranceId } = utterance;
    // What is still being written is waited for; the voice is not to be blamed for it.
    if (typeof source === 'object') await source.begun;
    const startMs = clock.nowMs();
    try {
      const other = this.#standsIn.has(utterance) ? await standIn?.voice() : undefined;
      const voice = other ?? this.#options.voice;
      const chunks = voiced(voice, source, {
        ...(!other && { voice: voiceName }),
        signal,
        onSkipped: (skipped) => {
          emit({ type: 'avatar.text_skipped', body: { utteranceId, ...skipped } });
        },
      });
      let isFirst = true;
      for await (const { pcm, ...chunk } of chunks) {
        if (signal.aborted) return;
        if (isFirst) {
          const tookMs = clock.nowMs() - startMs;
          this.voiceMs.add(tookMs);
          telemetry.metrics.voiceFirstChunkMs.observe(tookMs);
          utterance.events.onSound?.();
          isFirst = false;
        }
        utterance.append(pcm, voice.sampleRate);
        utterance.spoken.add(chunk);
        this.pump();
        emit({ type: 'avatar.transcription.chunk', body: { utteranceId, ...chunk } });
        await this.#room(signal);
      }
      utterance.complete = true;
    } catch (cause) {
      if (signal.aborted) return;
      const error =
        cause instanceof VizaviError ? cause : new VizaviError('voice_failed', 'the voice failed', { cause });
      telemetry.log.error({ err: cause, utteranceId }, 'the voice failed');
      utterance.fail(error);
      if (error.code === 'voice_failed') this.#apologiseAfter(utterance);
    }
  }

  /** Somebody else says that the voice cannot, next and once, however much was still to be said. */
  #apologiseAfter(failed: Utterance): void {
    const { standIn, fallbackLine, clock } = this.#options;
    if (!standIn || this.#queue.some((utterance) => this.#standsIn.has(utterance))) return;
    const line = new Utterance(randomUUID(), fallbackLine, clock.nowMs());
    this.#standsIn.add(line);
    this.#queue.splice(this.#queue.indexOf(failed) + 1, 0, line);
  }

  /** Resolves when more sound may be made. */
  async #room(signal: AbortSignal): Promise<void> {
    const full = (): boolean =>
      this.#queue.reduce((sum, { unplayedMs }) => sum + unplayedMs, 0) >= MAX_AHEAD_MS;
    while (!signal.aborted && full()) await new Promise<void>((resolve) => (this.#wakeVoice = resolve));
  }

  #end(utterance: Utterance): void {
    this.#queue.splice(this.#queue.indexOf(utterance), 1);
    this.#report(utterance, utterance.error ? 'failed' : 'spoken');
  }

  #report(utterance: Utterance, outcome: Outcome): void {
    const { utteranceId, playedMs, text } = utterance;
    const { emit, telemetry } = this.#options;
    this.#remember(utteranceId, outcome);
    if (utterance.announced) this.#lastSoundMs = this.#options.clock.nowMs();
    utterance.ended(outcome);
    telemetry.metrics.utterances.inc({ outcome });
    const error = utterance.error?.toJSON() ?? null;
    emit({ type: 'avatar.speak_ended', body: { utteranceId, outcome, playedMs, error } });
    if (outcome === 'spoken' && text !== null && text !== '')
      emit({ type: 'avatar.transcription', body: { utteranceId, text } });
  }

  #remember(utteranceId: string, outcome: Outcome): void {
    this.#ended.set(utteranceId, outcome);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }

  #find(utteranceId: string): Utterance | undefined {
    return this.#queue.find((utterance) => utterance.utteranceId === utteranceId);
  }
}

/** Nothing of it is at the slot and nothing will be, so nobody else will report its end. */
function isOver(utterance: Utterance): boolean {
  return utterance.complete && utterance.drained && !utterance.given;
}
