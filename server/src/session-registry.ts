import { randomUUID } from 'node:crypto';
import { SESSION_STATES, VizaviError } from '@vizavi/signaling';
import type { BundleInfo, CloseReason, Manner, Role, SessionState } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import type { AvatarInfo, SessionInfo, SessionOptions, SessionService } from './session-service.ts';
import { Session } from './session.ts';
import type { SessionDeps } from './session-options.ts';
import type { Store } from './store.ts';
import { refuseViewer, serveViewer } from './viewer-connection.ts';

export interface SessionRegistryOptions extends SessionDeps {
  readonly store: Store;
  /** This server, in the Store. */
  readonly nodeId: string;
  /** What a session gets that asks for nothing, and the most that one may ask for. */
  readonly maxDurationMs: number;
  readonly idleTimeoutMs: number;
  /** Sessions that may wait for a slot. */
  readonly maxQueue: number;
}

/** How long a session that has ended can still be looked up. */
const REMEMBER_MS = 60_000;

/** This server's sessions. */
export class SessionRegistry implements SessionService {
  readonly #options: SessionRegistryOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #building = new Set<Promise<Session>>();
  #draining = false;

  constructor(options: SessionRegistryOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return !this.#draining && this.avatars().some(({ slots }) => slots > 0);
  }

  async create(options: SessionOptions): Promise<SessionInfo> {
    this.#assertServing();
    const { maxDurationMs, idleTimeoutMs, maxQueue, directory } = this.#options;
    const sessionId = randomUUID();
    const bundle = this.#bundle(options.avatarId);
    const building = Session.create(this.#options, {
      sessionId,
      avatarId: bundle.id,
      voiceName: this.#voiceName(bundle, options.voice),
      instructions: options.instructions ?? `You are ${bundle.name}.`,
      tools: options.tools ?? [],
      language: options.language,
      maxDurationMs: atMost(maxDurationMs, options.maxDurationSec),
      idleTimeoutMs: atMost(idleTimeoutMs, options.idleTimeoutSec),
      mayWait: () => options.queue !== false && directory.waiting < maxQueue,
      onState: () => {
        const session = this.#sessions.get(sessionId);
        if (session) this.#record(session);
      },
      onViewers: () => {
        this.#countViewers();
      },
    });
    this.#building.add(building);
    try {
      const session = await building;
      this.#sessions.set(sessionId, session);
      this.#record(session);
      return session.info;
    } finally {
      this.#building.delete(building);
    }
  }

  info(sessionId: string): SessionInfo {
    return this.#session(sessionId).info;
  }

  speak(sessionId: string, text: string, manner?: Manner): Promise<{ utteranceId: string }> {
    return new Promise((resolve) => {
      const utteranceId = randomUUID();
      this.#session(sessionId).speech.say(utteranceId, text, manner);
      resolve({ utteranceId });
    });
  }

  async message(sessionId: string, text: string): Promise<{ replyId: string }> {
    const replyId = randomUUID();
    await this.#session(sessionId).talk.conversation.message(replyId, text);
    return { replyId };
  }

  async interrupt(sessionId: string): Promise<{ interrupted: readonly string[]; tookMs: number }> {
    return this.#session(sessionId).talk.conversation.interrupt();
  }

  async close(sessionId: string, reason: CloseReason): Promise<void> {
    await this.#session(sessionId).close(reason);
  }

  avatars(): readonly AvatarInfo[] {
    const { directory } = this.#options;
    return directory.bundles.map(({ id: avatarId, name, voice, width, height, fps }) => ({
      avatarId,
      name,
      width,
      height,
      fps,
      ...directory.count(avatarId),
      voices: this.#voicesFor(voice),
    }));
  }

  /** Serves a viewer whose token names this session. */
  connectViewer(connection: Connection, { sessionId, role }: { sessionId: string; role: Role }): void {
    const { telemetry } = this.#options;
    const session = this.#sessions.get(sessionId);
    if (session && session.info.closeReason === null) serveViewer(connection, session, role, telemetry);
    else refuseViewer(connection, new VizaviError('not_found', 'this session is over'), telemetry);
  }

  /** From now on there are no new sessions. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends every session. Resolves when all are gone, those being made as well. */
  async closeAll(reason: CloseReason): Promise<void> {
    this.drain();
    await Promise.allSettled(this.#building); // Each is among the sessions when it is done.
    await Promise.all([...this.#sessions.values()].map((session) => session.close(reason)));
  }

  #assertServing(): void {
    if (this.#draining) throw new VizaviError('unavailable', 'the server is about to stop');
  }

  #session(sessionId: string): Session {
    const session = this.#sessions.get(sessionId);
    if (!session) throw new VizaviError('not_found', 'there is no such session');
    return session;
  }

  #bundle(wanted: string | undefined): BundleInfo {
    const { bundles } = this.#options.directory;
    const bundle = wanted === undefined ? bundles[0] : bundles.find(({ id }) => id === wanted);
    if (bundle) return bundle;
    if (bundles.length === 0) throw new VizaviError('no_capacity', 'no GPU worker is ready yet');
    throw new VizaviError('not_found', `there is no avatar ${wanted}`);
  }

  /** The one that suits the face comes first. */
  #voicesFor(own: string | null): readonly string[] {
    const { voices } = this.#options.voice;
    return own !== null && voices.includes(own) ? [own, ...voices.filter((name) => name !== own)] : voices;
  }

  #voiceName(bundle: BundleInfo, wanted: string | undefined): string {
    const voices = this.#voicesFor(bundle.voice);
    const voice = wanted === undefined ? voices[0] : voices.find((name) => name === wanted);
    if (voice === undefined) throw new VizaviError('not_found', `there is no voice ${wanted}`);
    return voice;
  }

  /** Lets the Store and the figures know what the session has become. */
  #record(session: Session): void {
    const { store, nodeId, clock, telemetry } = this.#options;
    const { sessionId: id, avatarId, voice, state, createdAtMs, expiresAtMs, closeReason } = session.info;
    const log = telemetry.log.child({ sessionId: id });
    log.info({ state, closeReason }, 'session');
    const failed = (err: unknown): void => {
      log.error({ err }, 'the Store did not take a session');
    };
    store
      .putSession({ id, nodeId, avatarId, voice, state, createdAtMs, expiresAtMs, closeReason })
      .catch(failed);
    if (state === 'closed') {
      telemetry.metrics.sessionsClosed.inc({ reason: closeReason ?? 'server' });
      clock.after(REMEMBER_MS, () => {
        this.#sessions.delete(id);
        store.deleteSession(id).catch(failed);
      });
    }
    for (const name of Object.keys(SESSION_STATES) as SessionState[]) {
      const count = [...this.#sessions.values()].filter(({ info }) => info.state === name).length;
      if (name !== 'closed') telemetry.metrics.sessions.set({ state: name }, count);
    }
  }

  #countViewers(): void {
    const watching = [...this.#sessions.values()].reduce((sum, session) => sum + session.watching, 0);
    this.#options.telemetry.metrics.viewers.set(watching);
  }
}

/** What was asked for, in milliseconds, within what is allowed. */
function atMost(limitMs: number, wantedSec: number | undefined): number {
  return wantedSec === undefined ? limitMs : Math.min(limitMs, wantedSec * 1000);
}
