import { SESSION_STATES, StateMachine, VizaviError } from '@vizavi/signaling';
import type {
  CloseReason,
  RequestOf,
  ResultOf,
  SessionEvent,
  SessionState,
  StageStats,
  ViewerToServer,
} from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import { AudioInput } from './audio-input.ts';
import { Alarm } from './clock.ts';
import { LivePath } from './live-path.ts';
import type { LivePathEvents } from './live-path.ts';
import { QueuedPath } from './queued-path.ts';
import { SessionEvents } from './session-events.ts';
import type { SessionDeps, SessionRequest } from './session-options.ts';
import type { SessionInfo } from './session-service.ts';
import { Speech } from './speech.ts';
import { Viewer } from './viewer.ts';
import type { ViewerPeer } from './viewer.ts';

type Started = ResultOf<ViewerToServer, 'session.start'>;

/** How long a viewer has to hang up after `session.stopped` before we do. */
const HANG_UP_MS = 5000;

/** One conversation. */
export class Session {
  readonly #deps: SessionDeps;
  readonly #request: SessionRequest;
  readonly #state: StateMachine<SessionState>;
  readonly #events = new SessionEvents();
  readonly #viewers = new Map<string, Viewer>();
  readonly #speech: Speech;
  readonly #audioInput: AudioInput;
  readonly #join: Alarm;
  readonly #idle: Alarm;
  readonly #expiry: Alarm;
  readonly #createdAtMs: number;
  #path: LivePath | null = null;
  #stats: StageStats | null = null;
  #closeReason: CloseReason | null = null;
  #closing: Promise<void> | null = null;
  #queued: QueuedPath | null = null;

  private constructor(deps: SessionDeps, request: SessionRequest) {
    const { clock } = deps;
    this.#deps = deps;
    this.#request = request;
    this.#createdAtMs = Math.round(clock.nowMs());
    this.#state = new StateMachine<SessionState>(SESSION_STATES, 'joining', (state) => {
      this.#emit({ type: 'session.state_changed', body: { state } });
      request.onState();
    });
    this.#speech = new Speech({
      ...deps,
      voiceName: request.voiceName,
      emit: (event) => {
        this.#emit(event);
      },
    });
    this.#audioInput = new AudioInput(this.#speech, clock);
    this.#join = this.#closesFor('network');
    this.#expiry = this.#closesFor('time_limit');
    this.#idle = new Alarm(clock, () =>
      this.#speech.active ? this.keepAlive() : void this.close('inactivity'),
    );
  }

  /** Takes a slot, or waits for one. @throws VizaviError `no_capacity`, `media_failed`, or what the worker says */
  static async create(deps: SessionDeps, request: SessionRequest): Promise<Session> {
    const session = new Session(deps, request);
    session.#join.set(deps.joinTimeoutMs);
    session.#expiry.set(request.maxDurationMs);
    session.keepAlive();
    try {
      session.#path = await LivePath.open(deps, request, session.#pathEvents());
      if (session.#path.slot) session.#speech.moveTo(session.#path.slot);
    } catch (error) {
      const full = error instanceof VizaviError && error.code === 'no_capacity';
      if (!full || !request.mayWait()) {
        session.#clearAlarms();
        throw error;
      }
      session.#wait();
    }
    return session;
  }

  /** Waits for a slot. */
  #wait(): void {
    this.#state.to('queued');
    this.#queued = new QueuedPath(this.#deps, this.#request, this.#pathEvents(), {
      onPlace: (place) => {
        this.#emit({ type: 'session.queue_changed', body: place });
      },
      onPath: (path) => {
        this.#join.set(this.#deps.joinTimeoutMs);
        this.#path = path;
        if (path.slot) this.#speech.moveTo(path.slot);
        this.#state.to('joining');
      },
      onFailed: (reason) => void this.close(reason),
    });
  }

  #pathEvents(): LivePathEvents {
    const speech = this.#speech;
    return {
      started: (utteranceId) => {
        speech.started(utteranceId);
      },
      progress: (utteranceId, playedMs) => {
        speech.progress(utteranceId, playedMs);
      },
      ended: (utteranceId, playedMs) => {
        this.keepAlive();
        speech.ended(utteranceId, playedMs);
      },
      stats: (stats) => (this.#stats = stats),
      recovering: () => {
        speech.pause();
        this.#emit({ type: 'session.media_changed', body: { scope: 'recovering' } });
      },
      moved: (scope, slot) => {
        this.#viewersChanged();
        speech.moveTo(slot);
        this.#emit({ type: 'session.media_changed', body: { scope } });
      },
      failed: (error) => {
        const { sessionId } = this.#request;
        this.#deps.telemetry.log.error({ err: error, sessionId }, 'a session cannot go on');
        void this.close('server');
      },
    };
  }

  get info(): SessionInfo {
    const { sessionId, avatarId, voiceName, maxDurationMs } = this.#request;
    return {
      sessionId,
      avatarId,
      voice: voiceName,
      state: this.#state.state,
      viewers: [...this.#viewers.values()].filter(({ connected }) => connected).length,
      speaking: this.#speech.active,
      createdAtMs: this.#createdAtMs,
      expiresAtMs: this.#createdAtMs + maxDurationMs,
      closeReason: this.#closeReason,
      queue: this.#queued?.place ?? null,
    };
  }

  /**
   * The viewer of this name, known or new, from now on over this connection.
   *
   * @throws VizaviError `too_many_viewers`, `invalid_state` when the session is over
   */
  admit(viewerId: string, connection: Connection): Viewer {
    this.#assertOpen();
    this.keepAlive();
    let viewer = this.#viewers.get(viewerId);
    if (!viewer) {
      if (this.#viewers.size >= this.#deps.maxViewers) this.#makeRoom();
      viewer = new Viewer({
        viewerId,
        clock: this.#deps.clock,
        graceMs: this.#deps.graceMs,
        onChange: () => {
          this.#viewersChanged();
        },
        onExpired: () => {
          this.#remove(viewerId);
        },
      });
      this.#viewers.set(viewerId, viewer);
    }
    viewer.attach(connection);
    if (this.#state.is('queued')) this.#join.clear();
    return viewer;
  }

  /** @throws VizaviError `unavailable`, `media_failed`, `invalid_state` */
  async start(
    viewer: Viewer,
    connection: Connection,
    peer: ViewerPeer,
    lastEventSeq: number,
  ): Promise<Started> {
    if (this.#state.is('queued')) return this.#startQueued(viewer, peer, lastEventSeq);
    const path = this.#openPath();
    const media = await path.media();
    const resumed = await viewer.open(media);
    if (!this.#state.is('joining', 'live')) viewer.closeMedia();
    this.#assertOpen();
    if (!viewer.isOn(connection)) throw new VizaviError('disconnected', 'this connection is gone');
    // A viewer with new media has no use for what became of its old one.
    const missed = this.#events
      .after(lastEventSeq)
      .filter(({ event }) => resumed || event.type !== 'session.media_changed');
    viewer.follow(peer, missed);
    return {
      sessionId: this.#request.sessionId,
      state: this.#state.state,
      resumed,
      routerRtpCapabilities: media.rtpCapabilities,
      transport: resumed ? null : viewer.media.transport,
      queue: null,
      avatar: path.bundle,
    };
  }

  /** There is nothing to see yet: the viewer hears of its place, and starts again once the session is `joining`. */
  #startQueued(viewer: Viewer, peer: ViewerPeer, lastEventSeq: number): Started {
    const { sessionId, avatarId } = this.#request;
    const avatar = this.#deps.directory.bundles.find(({ id }) => id === avatarId);
    if (!avatar) throw new VizaviError('unavailable', 'the avatar is gone');
    viewer.follow(peer, this.#events.after(lastEventSeq));
    return {
      sessionId,
      state: this.#state.state,
      resumed: false,
      routerRtpCapabilities: {},
      transport: null,
      queue: this.#queued?.place ?? null,
      avatar,
    };
  }

  async resume(viewer: Viewer): Promise<void> {
    await viewer.media.resume();
    if (this.#state.is('joining')) {
      this.#join.clear();
      this.#state.to('live');
    }
    this.#viewersChanged();
  }

  /** Somebody is here. */
  keepAlive(): void {
    if (this.#closing === null) this.#idle.set(this.#request.idleTimeoutMs);
  }

  /** @throws VizaviError `invalid_state`, `text_too_long`, `invalid_text`, `too_many_requests` */
  repeat(utteranceId: string, text: string, emotion?: RequestOf<ViewerToServer, 'repeat'>['emotion']): void {
    this.#assertOpen();
    this.keepAlive();
    this.#speech.say(utteranceId, text, emotion);
  }

  /** @throws VizaviError `invalid_state` and what {@link AudioInput.accept} throws */
  repeatAudio(piece: RequestOf<ViewerToServer, 'repeatAudio'>): void {
    this.#assertOpen();
    this.keepAlive();
    this.#audioInput.accept(piece);
  }

  /** @throws VizaviError `invalid_state` */
  async interrupt(): Promise<{ interrupted: string[]; tookMs: number }> {
    this.#assertOpen();
    this.keepAlive();
    return this.#speech.interrupt();
  }

  stats(): ResultOf<ViewerToServer, 'session.stats'> {
    return { stages: this.#stats, voiceMs: this.#speech.voiceMs.summary() };
  }

  /** Viewers whose media flows. */
  get watching(): number {
    return [...this.#viewers.values()].filter(({ watching }) => watching).length;
  }

  /** Ends the session and all that it holds. Every call resolves when that is done; only the first reason counts. */
  close(reason: CloseReason): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: CloseReason): Promise<void> {
    this.#closeReason = reason;
    this.#clearAlarms();
    this.#state.to('closing');
    this.#audioInput.close();
    this.#speech.close();
    for (const viewer of this.#viewers.values()) viewer.closeMedia();
    await this.#queued?.close();
    await this.#path?.close();
    this.#emit({ type: 'session.stopped', body: { reason } });
    this.#state.to('closed');
    const viewers = [...this.#viewers.values()];
    this.#viewers.clear();
    this.#request.onViewers();
    this.#deps.clock.after(HANG_UP_MS, () => {
      for (const viewer of viewers) viewer.closeConnection();
    });
  }

  #clearAlarms(): void {
    for (const alarm of [this.#join, this.#idle, this.#expiry]) alarm.clear();
  }

  #closesFor(reason: CloseReason): Alarm {
    return new Alarm(this.#deps.clock, () => void this.close(reason));
  }

  /** A viewer that is away gives way to one that is here. @throws VizaviError `too_many_viewers` */
  #makeRoom(): void {
    const away = [...this.#viewers.values()].find(({ connected }) => !connected);
    if (!away) {
      throw new VizaviError('too_many_viewers', `at most ${this.#deps.maxViewers} may watch this session`);
    }
    away.closeMedia();
    this.#viewers.delete(away.viewerId);
  }

  #remove(viewerId: string): void {
    this.#viewers.get(viewerId)?.closeMedia();
    this.#viewers.delete(viewerId);
    this.#viewersChanged();
    if (this.#viewers.size === 0 && this.#state.is('live', 'queued')) void this.close('network');
  }

  #viewersChanged(): void {
    this.#request.onViewers();
    if (!this.#state.is('joining', 'live')) return;
    const watched = this.watching > 0;
    this.#path?.watch(watched);
    this.#speech.watched = watched;
  }

  #emit(event: SessionEvent): void {
    const numbered = this.#events.add(event);
    for (const viewer of this.#viewers.values()) viewer.send(numbered);
  }

  #openPath(): LivePath {
    this.#assertOpen();
    if (!this.#path) throw new VizaviError('invalid_state', 'the session is being made');
    return this.#path;
  }

  #assertOpen(): void {
    if (!this.#state.is('queued', 'joining', 'live')) {
      throw new VizaviError('invalid_state', 'the session is over');
    }
  }
}
