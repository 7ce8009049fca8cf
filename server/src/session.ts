import { SESSION_STATES, StateMachine, VizaviError } from '@vizavi/signaling';
import type {
  CloseReason,
  RequestOf,
  ResultOf,
  Role,
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
import { Talk } from './conversation/talk.ts';
import type { SessionDeps, SessionRequest } from './session-options.ts';
import type { SessionInfo } from './session-service.ts';
import { SessionViewers } from './session-viewers.ts';
import { Speech } from './speech.ts';
import type { IceServer } from './turn-servers.ts';
import type { Viewer, ViewerPeer } from './viewer.ts';

type Started = ResultOf<ViewerToServer, 'session.start'>;

/** How long a viewer has to hang up after `session.stopped` before we do. */
const HANG_UP_MS = 5000;

/** One conversation. */
export class Session {
  readonly #deps: SessionDeps;
  readonly #request: SessionRequest;
  readonly #state: StateMachine<SessionState>;
  readonly #talk: Talk;
  readonly #viewers: SessionViewers;
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
    const emit = this.#emit.bind(this);
    this.#viewers = new SessionViewers({
      ...deps,
      onChange: this.#viewersChanged.bind(this),
      onGone: (viewerId) => this.#talk.closeMicrophone(viewerId),
      onEmpty: () => void (this.#state.is('live', 'queued') && this.close('network')),
    });
    this.#speech = new Speech({ ...deps, voiceName: request.voiceName, emit });
    this.#talk = new Talk(deps, {
      ...request,
      speech: this.#speech,
      emit,
      media: () => this.#openPath().media(),
      onAttention: (listening) => {
        this.keepAlive();
        this.#path?.listen(listening);
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
      viewers: this.#viewers.connected,
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
    this.#used();
    const viewer = this.#viewers.admit(viewerId, connection);
    if (this.#state.is('queued')) this.#join.clear();
    return viewer;
  }

  /** @throws VizaviError `unavailable`, `media_failed`, `invalid_state` */
  async start(
    viewer: Viewer,
    connection: Connection,
    peer: ViewerPeer,
    role: Role,
    lastEventSeq: number,
  ): Promise<Started> {
    if (this.#state.is('queued')) return this.#startQueued(viewer, peer, role, lastEventSeq);
    const path = this.#openPath();
    const media = await path.media();
    const resumed = await viewer.open(media);
    if (!this.#state.is('joining', 'live')) viewer.closeMedia();
    this.#assertOpen();
    if (!viewer.isOn(connection)) throw new VizaviError('disconnected', 'this connection is gone');
    viewer.follow(peer, role, this.#viewers.after(lastEventSeq, resumed));
    return {
      ...this.#about(),
      role,
      resumed,
      routerRtpCapabilities: media.rtpCapabilities,
      transport: resumed ? null : this.reachable(viewer.media.transport),
      queue: null,
      avatar: path.bundle,
    };
  }

  /** A transport as a viewer is told of it. */
  reachable<T extends object>(transport: T): T & { iceServers: IceServer[] } {
    return { ...transport, iceServers: this.#deps.iceServers() };
  }

  /** There is nothing to see yet: the viewer hears of its place, and starts again once the session is `joining`. */
  #startQueued(viewer: Viewer, peer: ViewerPeer, role: Role, lastEventSeq: number): Started {
    const avatar = this.#deps.directory.bundles.find(({ id }) => id === this.#request.avatarId);
    if (!avatar) throw new VizaviError('unavailable', 'the avatar is gone');
    viewer.follow(peer, role, this.#viewers.after(lastEventSeq));
    return {
      ...this.#about(),
      role,
      resumed: false,
      routerRtpCapabilities: {},
      transport: null,
      queue: this.#queued?.place ?? null,
      avatar,
    };
  }

  #about(): Pick<Started, 'sessionId' | 'state' | 'ears' | 'page'> {
    return {
      sessionId: this.#request.sessionId,
      state: this.#state.state,
      ears: this.#talk.ears,
      page: this.#viewers.page,
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

  /** What it says, for one who has something to be said. @throws VizaviError `invalid_state` */
  get speech(): Speech {
    this.#used();
    return this.#speech;
  }

  /** @throws VizaviError `invalid_state` and what {@link AudioInput.accept} throws */
  repeatAudio(piece: RequestOf<ViewerToServer, 'repeatAudio'>): void {
    this.#used();
    this.#audioInput.accept(piece);
  }

  /** What it answers and hears, for one who is about to use it. @throws VizaviError `invalid_state` */
  get talk(): Talk {
    this.#used();
    return this.#talk;
  }

  stats(): ResultOf<ViewerToServer, 'session.stats'> {
    const { latency: turn } = this.#talk.conversation;
    const { connected: viewers } = this.#viewers;
    return { stages: this.#stats, voiceMs: this.#speech.voiceMs.summary(), turn, viewers };
  }

  /** Those who watch, for one of them who wants something of the others. @throws VizaviError `invalid_state` */
  get viewers(): SessionViewers {
    this.#used();
    return this.#viewers;
  }

  /** Viewers whose media flows. */
  get watching(): number {
    return this.#viewers.watching;
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
    this.#talk.close();
    this.#speech.close();
    this.#viewers.closeMedia();
    await this.#queued?.close();
    await this.#path?.close();
    this.#emit({ type: 'session.stopped', body: { reason } });
    this.#state.to('closed');
    this.#viewers.end(HANG_UP_MS);
    this.#request.onViewers();
  }

  #clearAlarms(): void {
    for (const alarm of [this.#join, this.#idle, this.#expiry]) alarm.clear();
  }

  #closesFor(reason: CloseReason): Alarm {
    return new Alarm(this.#deps.clock, () => void this.close(reason));
  }

  #viewersChanged(): void {
    this.#request.onViewers();
    if (!this.#state.is('joining', 'live')) return;
    const watched = this.watching > 0;
    this.#path?.watch(watched);
    this.#speech.watched = watched;
  }

  #emit(event: SessionEvent): void {
    this.#viewers.send(event);
  }

  #openPath(): LivePath {
    this.#assertOpen();
    if (!this.#path) throw new VizaviError('invalid_state', 'the session is being made');
    return this.#path;
  }

  /** Somebody wants something of it. @throws VizaviError `invalid_state` */
  #used(): void {
    this.#assertOpen();
    this.keepAlive();
  }

  #assertOpen(): void {
    if (!this.#state.is('queued', 'joining', 'live')) {
      throw new VizaviError('invalid_state', 'the session is over');
    }
  }
}
