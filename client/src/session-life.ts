import { VizaviError } from '@vizavi/signaling';
import type { CloseReason, SessionEvent, SessionState } from '@vizavi/signaling';
import type { Emit } from './avatar-events.ts';
import { Deferred } from './deferred.ts';
import type { Environment, Media } from './environment.ts';
import { Player } from './player.ts';
import { SessionLink } from './session-link.ts';
import type { Started } from './session-link.ts';

export interface SessionLifeOptions {
  readonly url: string;
  readonly token: string;
  readonly environment: Environment;
  readonly emit: Emit;
  /** What the server tells beyond the session's own life. */
  readonly onEvent: (event: SessionEvent) => void;
  /** The server knows this viewer (again), and picture and sound are on their way. */
  readonly onJoined: (started: Started) => void;
  /** Comes first: signaling and media still stand. */
  readonly onEnd: (error: VizaviError | null) => void;
}

const START_TIMEOUT_MS = 15_000;
/** How long `stop()` waits for a server that does not answer. */
const STOP_TIMEOUT_MS = 3000;

/** A viewer's session from the first connection to its one end: signaling, media, player and state. */
export class SessionLife {
  readonly link: SessionLink;
  readonly media: Media;
  readonly player: Player;
  readonly #options: SessionLifeOptions;
  readonly #ready = new Deferred<undefined>();
  #state: SessionState = 'joining';
  #started: Started | null = null;
  #startMs: number | null = null;
  #joinMs: number | null = null;
  #firstFrameMs: number | null = null;
  #startTimeout: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionLifeOptions) {
    const { environment, emit } = options;
    this.#options = options;
    this.link = new SessionLink({
      url: options.url,
      token: options.token,
      openChannel: environment.openChannel,
      newId: environment.newId,
      hasMedia: () => this.media.isStanding,
      onEvent: (event) => {
        this.#onEvent(event);
      },
      onConnected: (connected) => {
        emit('session.connection_changed', { connected });
      },
      onJoined: (started) => void this.#onJoined(started),
      onRefused: (error) => {
        this.#end(error.code === 'token_expired' ? 'time_limit' : 'network', error);
      },
    });
    const { link } = this;
    this.media = environment.createMedia({
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
    this.player = new Player({
      stream: this.media.stream,
      onFirstFrame: (atMs) => {
        if (this.#startMs !== null) this.#firstFrameMs ??= Math.max(0, atMs - this.#startMs);
      },
      onAutoplayBlocked: () => {
        emit('session.autoplay_blocked', {});
      },
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The server's latest answer to `session.start`. */
  get started(): Started | null {
    return this.#started;
  }

  /** Milliseconds from `start()`; null until it has happened. */
  get times(): { readonly joinMs: number | null; readonly firstFrameMs: number | null } {
    return { joinMs: this.#joinMs, firstFrameMs: this.#firstFrameMs };
  }

  start(): Promise<void> {
    if (this.#startMs === null && this.#state !== 'closed') {
      this.#startMs = this.#options.environment.nowMs();
      this.#startTimeout = setTimeout(() => {
        this.#end('network', new VizaviError('timeout', 'the server could not be reached in time'));
      }, START_TIMEOUT_MS);
      this.link.open();
    }
    return this.#ready.promise;
  }

  async stop(): Promise<void> {
    if (this.#startMs !== null && this.#state !== 'closed') {
      // Also while it still joins or is cut off: a session that nobody stops would hold its slot.
      const stopped = this.link.call('session.stop', {}).catch(() => undefined);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const timeout = new Promise((resolve) => (timer = setTimeout(resolve, STOP_TIMEOUT_MS)));
      await Promise.race([stopped, timeout]);
      clearTimeout(timer);
    }
    this.#end('client', null);
  }

  async #onJoined(started: Started): Promise<void> {
    const { state, resumed, routerRtpCapabilities, transport, queue } = started;
    this.#started = started;
    this.#setState(state as SessionState);
    if (queue) {
      // All is well; it only takes as long as others talk.
      clearTimeout(this.#startTimeout);
      this.#options.emit('session.queue_changed', queue);
      return;
    }
    try {
      if (resumed || !transport) await this.media.recover();
      else await this.media.open(routerRtpCapabilities, transport);
      this.#setReady();
      this.#options.onJoined(started);
    } catch (error) {
      this.#mediaFailed(VizaviError.from(error));
    }
  }

  #setReady(): void {
    if (this.#joinMs !== null || this.#startMs === null || this.#state === 'closed') return;
    clearTimeout(this.#startTimeout);
    const joinMs = this.#options.environment.nowMs() - this.#startMs;
    this.#joinMs = joinMs;
    void this.player.play();
    this.#options.emit('session.stream_ready', { joinMs });
    this.#ready.resolve(undefined);
  }

  #mediaFailed(error: VizaviError): void {
    // A connection that was lost meanwhile is made again, and the media with it.
    if (error.code === 'disconnected' || this.#state === 'closed') return;
    if (this.#joinMs === null) this.#end('network', error);
    else this.link.joinLater();
  }

  #onEvent(event: SessionEvent): void {
    switch (event.type) {
      case 'session.stopped':
        this.#end(event.body.reason, null);
        return;
      case 'session.state_changed': {
        const waited = this.#state === 'queued';
        this.#setState(event.body.state);
        if (waited && event.body.state === 'joining') void this.link.join();
        return;
      }
      case 'session.media_changed':
        if (event.body.scope === 'transport') void this.link.join();
        if (event.body.scope === 'producers') {
          this.media.consumeAgain().catch((error: unknown) => {
            this.#mediaFailed(VizaviError.from(error));
          });
        }
        break;
      default:
    }
    this.#options.onEvent(event);
  }

  #setState(state: SessionState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.#options.emit('session.state_changed', { state });
  }

  /** The one way out; only the first reason counts. */
  #end(reason: CloseReason, error: VizaviError | null): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#startTimeout);
    const over = error ?? new VizaviError('invalid_state', 'the session is over');
    this.#options.onEnd(error);
    this.link.close(over);
    this.media.close();
    this.player.detach();
    this.#setState('closed');
    this.#options.emit('session.stopped', { reason });
    this.#ready.reject(over);
  }
}
