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
import type { LivePathOptions } from './live-path.ts';
import { SessionEvents } from './session-events.ts';
import type { SessionInfo } from './session-service.ts';
import { Speech } from './speech.ts';
import { Viewer } from './viewer.ts';
import type { ViewerPeer } from './viewer.ts';
import type { Voice } from './voice/voice.ts';

/** What all sessions of a server share. */
export interface SessionDeps extends LivePathOptions {
  readonly voice: Voice;
  readonly maxViewers: number;
  /** How long a session waits for the first viewer's media. */
  readonly joinTimeoutMs: number;
  /** How long a viewer whose connection is lost may stay away. */
  readonly graceMs: number;
}

/** What is special to one. */
export interface SessionRequest {
  readonly sessionId: string;
  readonly avatarId: string;
  readonly voiceName: string;
  readonly maxDurationMs: number;
  readonly idleTimeoutMs: number;
  /** Told after each change of state. */
  readonly onState: (session: Session) => void;
  /** Told when a viewer may have come or gone. */
  readonly onViewers: () => void;
}

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

  private constructor(deps: SessionDeps, request: SessionRequest) {
    const { clock } = deps;
    this.#deps = deps;
    this.#request = request;
    this.#createdAtMs = Math.round(clock.nowMs());
    this.#state = new StateMachine<SessionState>(SESSION_STATES, 'joining', (state) => {
      this.#emit({ type: 'session.state_changed', body: { state } });
      request.onState(this);
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
    this.#idle = new Alarm(clock, () => {
      if (this.#speech.active) this.keepAlive();
      else void this.close('inactivity');
    });
  }

  /** Takes a slot and sets the media up. @throws VizaviError `no_capacity`, `media_failed`, or what the worker says */
  static async create(deps: SessionDeps, request: SessionRequest): Promise<Session> {
    const session = new Session(deps, request);
    const speech = session.#speech;
    session.#path = await LivePath.open(deps, request, {
      started: (utteranceId) => {
        speech.started(utteranceId);
      },
      progress: (utteranceId, playedMs) => {
        speech.progress(utteranceId, playedMs);
      },
      ended: (utteranceId, playedMs) => {
        session.keepAlive();
        speech.ended(utteranceId, playedMs);
      },
      stats: (stats) => (session.#stats = stats),
      recovering: () => {
        speech.pause();
        session.#emit({ type: 'session.media_changed', body: { scope: 'recovering' } });
      },
      moved: (scope, slot) => {
        session.#viewersChanged();
        speech.moveTo(slot);
        session.#emit({ type: 'session.media_changed', body: { scope } });
      },
      failed: (error) => {
        deps.telemetry.log.error({ err: error, sessionId: request.sessionId }, 'a session cannot go on');
        void session.close('server');
      },
    });
    if (session.#path.slot) speech.moveTo(session.#path.slot);
    session.#join.set(deps.joinTimeoutMs);
    session.#expiry.set(request.maxDurationMs);
    session.keepAlive();
    return session;
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
    return viewer;
  }

  /** @throws VizaviError `unavailable`, `media_failed`, `invalid_state` */
  async start(
    viewer: Viewer,
    connection: Connection,
    peer: ViewerPeer,
    lastEventSeq: number,
  ): Promise<ResultOf<ViewerToServer, 'session.start'>> {
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
      avatar: path.bundle,
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
  repeat(utteranceId: string, text: string): void {
    this.#assertOpen();
    this.keepAlive();
    this.#speech.say(utteranceId, text);
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
    for (const alarm of [this.#join, this.#idle, this.#expiry]) alarm.clear();
    this.#state.to('closing');
    this.#audioInput.close();
    this.#speech.close();
    for (const viewer of this.#viewers.values()) viewer.closeMedia();
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
    if (this.#viewers.size === 0 && this.#state.is('live')) void this.close('network');
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
    if (!this.#state.is('joining', 'live')) throw new VizaviError('invalid_state', 'the session is over');
  }
}
