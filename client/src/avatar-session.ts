import { bytesFromSamples, MAX_TEXT_LENGTH, VizaviError } from '@vizavi/signaling';
import type {
  CloseReason,
  Emotion,
  ResultOf,
  SessionEvent,
  SessionState,
  ViewerToServer,
} from '@vizavi/signaling';
import { sendAudio } from './audio-sender.ts';
import type { AvatarEvents } from './avatar-events.ts';
import { Deferred } from './deferred.ts';
import { browser } from './environment.ts';
import type { Environment, Media } from './environment.ts';
import { cutIntoPieces } from './pcm-source.ts';
import type { PcmSource } from './pcm-source.ts';
import { SessionLink } from './session-link.ts';
import type { Started } from './session-link.ts';
import { combineStats, inboundOf } from './session-stats.ts';
import type { SessionStats, StatsSample } from './session-stats.ts';
import { TypedEmitter } from './typed-emitter.ts';
import { Utterances } from './utterances.ts';
import type { Spoken } from './utterances.ts';
import { Player } from './player.ts';

export interface AvatarSessionOptions {
  /** http(s) address of the vizavi server; by default the one that the page came from. */
  readonly url?: string;
}

/** How something is said. */
export interface Manner {
  /** By default neutral. */
  readonly emotion?: Emotion;
}

const START_TIMEOUT_MS = 15_000;
/** How long `stop()` waits for a server that does not answer. */
const STOP_TIMEOUT_MS = 3000;

/**
 * One viewer of one session: sees and hears the avatar, and tells it what to say. Lost connections are made again, and
 * what was under way goes on.
 */
export class AvatarSession extends TypedEmitter<AvatarEvents> {
  readonly #environment: Environment;
  readonly #link: SessionLink;
  readonly #media: Media;
  readonly #player: Player;
  readonly #utterances: Utterances;
  readonly #ready = new Deferred<undefined>();
  #state: SessionState = 'joining';
  #startMs: number | null = null;
  #joinMs: number | null = null;
  #firstFrameMs: number | null = null;
  #startTimeout: ReturnType<typeof setTimeout> | undefined;
  #lastSample: StatsSample | null = null;
  /** Only one stream of sound is open at a time; the next one begins when this settles. */
  #audioTurn: Promise<unknown> = Promise.resolve();
  #avatar: Started['avatar'] | null = null;
  /** Streams of sound that the server has not heard of. */
  readonly #waitingAudio = new Set<string>();

  /** `token` comes from `POST /v1/sessions`, asked by your server. */
  constructor(token: string, options: AvatarSessionOptions = {}, environment: Environment = browser) {
    super();
    this.#environment = environment;
    this.#utterances = new Utterances(environment.nowMs);
    this.#link = new SessionLink({
      url: options.url ?? location.origin,
      token,
      openChannel: environment.openChannel,
      newId: environment.newId,
      hasMedia: () => this.#media.isStanding,
      onEvent: (event) => {
        this.#onEvent(event);
      },
      onConnected: (connected) => {
        this.emit('session.connection_changed', { connected });
      },
      onJoined: (started) => void this.#onJoined(started),
      onRefused: (error) => {
        this.#end(error.code === 'token_expired' ? 'time_limit' : 'network', error);
      },
    });
    const link = this.#link;
    this.#media = environment.createMedia({
      signaling: {
        consume: (rtpCapabilities) => link.callNow('media.consume', { rtpCapabilities }),
        connect: (dtlsParameters) => link.callNow('media.connect', { dtlsParameters }),
        resume: () => link.callNow('media.resume', {}),
        restartIce: () => link.callNow('media.restartIce', {}),
      },
      onLost: () => {
        link.renew();
      },
    });
    this.#player = new Player({
      stream: this.#media.stream,
      onFirstFrame: (atMs) => {
        if (this.#startMs !== null) this.#firstFrameMs ??= Math.max(0, atMs - this.#startMs);
      },
      onAutoplayBlocked: () => {
        this.emit('session.autoplay_blocked', {});
      },
    });
  }

  /** `joining` until somebody sees the avatar, `queued` while it waits for one, `live`, `closing`, `closed`. */
  get state(): SessionState {
    return this.#state;
  }

  /**
   * Joins. Resolves when picture and sound are on their way; `session.queue_changed` tells of a wait before that.
   *
   * @throws VizaviError `unauthorized`, `token_expired`, `unsupported_device`, `timeout` and others; the session is
   *   closed then
   */
  start(): Promise<void> {
    if (this.#startMs === null && this.#state !== 'closed') {
      this.#startMs = this.#environment.nowMs();
      this.#startTimeout = setTimeout(() => {
        this.#end('network', new VizaviError('timeout', 'the server could not be reached in time'));
      }, START_TIMEOUT_MS);
      this.#link.open();
    }
    return this.#ready.promise;
  }

  /** Whom this session shows; null until the server has answered. */
  get avatar(): Readonly<Started['avatar']> | null {
    return this.#avatar;
  }

  /** Shows the avatar in this element, before or after `start()`. */
  attach(video: HTMLVideoElement): void {
    if (this.#state !== 'closed') this.#player.attach(video);
  }

  /** Sound on, after `session.autoplay_blocked`. Call it from a user's gesture. */
  async unmute(): Promise<void> {
    await this.#player.unmute();
  }

  /**
   * Says `text`, after what it is saying now. Resolves when it was spoken or interrupted.
   *
   * @throws VizaviError `invalid_text`, `text_too_long`, `too_many_requests`, `voice_failed` and others
   */
  async repeat(text: string, { emotion = 'neutral' }: Manner = {}): Promise<Spoken> {
    // Refused here, because a message can be too large for the connection itself.
    if (text.length > MAX_TEXT_LENGTH) {
      throw new VizaviError('text_too_long', `a text has at most ${MAX_TEXT_LENGTH} characters`);
    }
    const utteranceId = this.#environment.newId();
    const outcome = this.#utterances.outcome(utteranceId);
    this.#link.call('repeat', { utteranceId, text, emotion }).catch((error: unknown) => {
      this.#utterances.refuse(utteranceId, error);
    });
    return outcome;
  }

  /**
   * Lets the avatar speak this sound: mono PCM at one of 8000, 16000, 22050, 24000, 32000, 44100, 48000 Hz. A stream is
   * said as it comes.
   *
   * @throws VizaviError `invalid_audio` and others, or whatever the stream throws
   */
  async repeatAudio(
    pcm: PcmSource,
    { sampleRate, emotion = 'neutral' }: Manner & { readonly sampleRate: number },
  ): Promise<Spoken> {
    const utteranceId = this.#environment.newId();
    const outcome = this.#utterances.outcome(utteranceId);
    const isOver = (): boolean => !this.#utterances.isPending(utteranceId);
    this.#waitingAudio.add(utteranceId);
    const send = async (): Promise<void> => {
      this.#waitingAudio.delete(utteranceId);
      if (isOver()) return;
      await sendAudio(cutIntoPieces(pcm, sampleRate), {
        sampleRate,
        isOver,
        playedMs: () => this.#utterances.spokenMs(utteranceId),
        send: ({ samples, last }, seq) =>
          this.#link.call('repeatAudio', {
            utteranceId,
            seq,
            sampleRate,
            pcm: bytesFromSamples(samples),
            last,
            emotion,
          }),
      });
    };
    const sent = this.#audioTurn.then(send).catch((error: unknown) => {
      // The server's own word about an interrupted stream follows.
      if (!(error instanceof VizaviError && error.code === 'interrupted'))
        this.#utterances.refuse(utteranceId, error);
    });
    // A source that never ends must not keep the next stream waiting once it was interrupted.
    this.#audioTurn = Promise.race([sent, outcome.catch(() => undefined)]);
    return outcome;
  }

  /** Silence, now, and nothing of what waits is said. Resolves when the avatar is silent. */
  async interrupt(): Promise<ResultOf<ViewerToServer, 'interrupt'>> {
    for (const utteranceId of this.#waitingAudio) this.#utterances.interrupt(utteranceId);
    return this.#link.call('interrupt', {});
  }

  /** Somebody is here: the session is not closed for inactivity for now. */
  async keepAlive(): Promise<void> {
    await this.#link.call('session.keepAlive', {});
  }

  /** Ends the session, for every viewer. */
  async stop(): Promise<void> {
    if (this.#startMs !== null && this.#state !== 'closed') {
      // Also while it still joins or is cut off: a session that nobody stops would hold its slot.
      const stopped = this.#link.call('session.stop', {}).catch(() => undefined);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const timeout = new Promise((resolve) => (timer = setTimeout(resolve, STOP_TIMEOUT_MS)));
      await Promise.race([stopped, timeout]);
      clearTimeout(timer);
    }
    this.#end('client', null);
  }

  /** @throws VizaviError */
  async stats(): Promise<SessionStats> {
    const { nowMs } = this.#environment;
    const askedMs = nowMs();
    const asked = this.#link
      .call('session.stats', {})
      .then((server) => ({ server, roundTripMs: nowMs() - askedMs }));
    const [{ server, roundTripMs }, reports] = await Promise.all([asked, this.#media.reports()]);
    const now: StatsSample = { audio: inboundOf(reports.audio), video: inboundOf(reports.video) };
    const before = this.#lastSample;
    this.#lastSample = now;
    return combineStats({
      joinMs: this.#joinMs,
      firstFrameMs: this.#firstFrameMs,
      framesPresented: this.#player.framesPresented,
      roundTripMs,
      server,
      now,
      before,
    });
  }

  async #onJoined(started: Started): Promise<void> {
    const { state, resumed, routerRtpCapabilities, transport, queue } = started;
    this.#avatar = started.avatar;
    this.#setState(state as SessionState);
    if (queue) {
      // All is well; it only takes as long as others talk.
      clearTimeout(this.#startTimeout);
      this.emit('session.queue_changed', queue);
      return;
    }
    try {
      if (resumed || !transport) await this.#media.recover();
      else await this.#media.open(routerRtpCapabilities, transport);
      this.#setReady();
    } catch (error) {
      this.#mediaFailed(VizaviError.from(error));
    }
  }

  #setReady(): void {
    if (this.#joinMs !== null || this.#startMs === null || this.#state === 'closed') return;
    clearTimeout(this.#startTimeout);
    const joinMs = this.#environment.nowMs() - this.#startMs;
    this.#joinMs = joinMs;
    void this.#player.play();
    this.emit('session.stream_ready', { joinMs });
    this.#ready.resolve(undefined);
  }

  #mediaFailed(error: VizaviError): void {
    // A connection that was lost meanwhile is made again, and the media with it.
    if (error.code === 'disconnected' || this.#state === 'closed') return;
    if (this.#joinMs === null) this.#end('network', error);
    else this.#link.joinLater();
  }

  #onEvent(event: SessionEvent): void {
    switch (event.type) {
      case 'session.stopped':
        this.#end(event.body.reason, null);
        return;
      case 'session.state_changed': {
        const waited = this.#state === 'queued';
        this.#setState(event.body.state);
        if (waited && event.body.state === 'joining') void this.#link.join();
        return;
      }
      case 'session.media_changed':
        if (event.body.scope === 'transport') void this.#link.join();
        if (event.body.scope === 'producers') {
          this.#media.consumeAgain().catch((error: unknown) => {
            this.#mediaFailed(VizaviError.from(error));
          });
        }
        break;
      case 'avatar.speak_started':
        this.#utterances.started(event.body);
        break;
      case 'avatar.speak_ended':
        this.#utterances.ended(event.body);
        break;
      default:
    }
    this.emit(event.type, event.body);
  }

  #setState(state: SessionState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.emit('session.state_changed', { state });
  }

  /** The one way out; only the first reason counts. */
  #end(reason: CloseReason, error: VizaviError | null): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#startTimeout);
    const over = error ?? new VizaviError('invalid_state', 'the session is over');
    this.#link.close(over);
    this.#media.close();
    this.#player.detach();
    this.#utterances.close(error);
    this.#setState('closed');
    this.emit('session.stopped', { reason });
    this.#ready.reject(over);
  }
}
