import { bytesFromSamples, serverToViewer, viewerToServer, VizaviError } from '@vizavi/signaling';
import type {
  CallName,
  CloseReason,
  NoticeHandlers,
  NoticeOf,
  RequestOf,
  ResultOf,
  ServerToViewer,
  SessionEvent,
  SessionState,
  StageStats,
  ViewerToServer,
} from '@vizavi/signaling';
import { Channel } from '@vizavi/signaling/channel';
import { MediaReceiver } from './media-receiver.ts';
import type { InboundStats } from './media-receiver.ts';
import { pcmPieces } from './pcm-source.ts';
import type { Pcm } from './pcm-source.ts';
import { Player } from './player.ts';
import { TypedEmitter } from './typed-emitter.ts';
import { Utterances } from './utterances.ts';
import type { Spoken } from './utterances.ts';

export type SessionEvents = { [T in SessionEvent['type']]: NoticeOf<ServerToViewer, T> } & {
  /** Sound and picture are being received. */
  'session.stream_ready': { readonly stream: MediaStream };
  /** The browser plays without sound until `unmute()` is called from a user's gesture. */
  'session.autoplay_blocked': Record<string, never>;
  /** The signaling connection went or came back; the media may go on without it. */
  'session.connection_changed': { readonly connected: boolean };
};

/** What one call of {@link AvatarSession.stats} tells. Times are milliseconds. */
export interface SessionStats extends InboundStats {
  readonly joinMs: number | null;
  /** From `start()` to the first picture on the screen. */
  readonly firstFrameMs: number | null;
  readonly framesPresented: number;
  /** There and back on the signaling connection. */
  readonly roundTripMs: number;
  /** The server's figures for this session; null before its first report. */
  readonly stages: StageStats | null;
  readonly voiceMs: { readonly median: number; readonly p95: number } | null;
}

const ATTEMPTS = 5;
const ATTEMPT_TIMEOUT_MS = 5000;
const BUSY_RETRY_MS = 100;
/** How long the first connection may take. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A conversation with an avatar, as one viewer has it.
 *
 * @example
 * const session = new AvatarSession(token, { url: 'https://avatars.example.com' });
 * session.attach(document.querySelector('video'));
 * await session.start();
 * await session.repeat('Hello!');
 */
export class AvatarSession extends TypedEmitter<SessionEvents> {
  readonly #channel: Channel<ServerToViewer, ViewerToServer>;
  readonly #media: MediaReceiver;
  readonly #player: Player;
  readonly #utterances = new Utterances();
  readonly #viewerId = crypto.randomUUID();
  readonly #ready = Promise.withResolvers<undefined>();
  #state: SessionState | 'new' = 'new';
  #lastEventSeq = -1;
  #connected = Promise.withResolvers<undefined>();
  /** Media work is done one after the other: set-up, swap, set-up again. */
  #mediaWork: Promise<void> = Promise.resolve();
  #startMs = 0;
  #ended = false;
  #joinMs: number | null = null;
  #firstFrameMs: number | null = null;

  /** `token` comes from `POST /v1/sessions`; `url` is the server's address, by default the page's own. */
  constructor(token: string, { url = location.origin }: { readonly url?: string } = {}) {
    super();
    this.#ready.promise.catch(() => undefined);
    this.#connected.promise.catch(() => undefined);
    this.#media = new MediaReceiver(() => {
      this.#setUpMedia();
    });
    this.#player = new Player(
      this.#media.stream,
      () => {
        this.emit('session.autoplay_blocked', {});
      },
      (atMs) => {
        this.#firstFrameMs ??= atMs - this.#startMs;
      },
    );
    this.#channel = new Channel({
      url,
      namespace: '/',
      auth: { token },
      incoming: serverToViewer,
      outgoing: viewerToServer,
      calls: {},
      notices: this.#notices(),
      onConnect: () => {
        this.#connected.resolve(undefined);
        this.emit('session.connection_changed', { connected: true });
        this.#setUpMedia();
      },
      onDisconnect: () => {
        if (this.#state === 'closed') return;
        this.#connected = Promise.withResolvers<undefined>();
        this.#connected.promise.catch(() => undefined);
        this.emit('session.connection_changed', { connected: false });
      },
      onRefused: (error) => {
        if (!error.retryable) this.#end(error);
      },
    });
  }

  get state(): SessionState | 'new' {
    return this.#state;
  }

  /** Both tracks, in one stream that stays the same for the session's life. */
  get stream(): MediaStream {
    return this.#media.stream;
  }

  /** Joins; resolves when sound and picture are being received. @throws VizaviError */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new VizaviError('invalid_state', 'a session starts once');
    this.#state = 'joining';
    this.#startMs = performance.now();
    this.#channel.open();
    const timer = setTimeout(() => {
      this.#end(new VizaviError('timeout', 'the server does not answer'));
    }, CONNECT_TIMEOUT_MS);
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Shows the avatar in `video`, now or as soon as it is there. */
  attach(video: HTMLVideoElement): void {
    this.#player.attach(video);
    if (this.#joinMs !== null) void this.#player.play();
  }

  unmute(): Promise<void> {
    return this.#player.unmute();
  }

  /** Says `text`; resolves when it was spoken or interrupted. @throws VizaviError */
  async repeat(text: string): Promise<Spoken> {
    const utteranceId = crypto.randomUUID();
    const spoken = this.#utterances.add(utteranceId);
    this.#command('repeat', { utteranceId, text }).catch((error: unknown) => {
      this.#utterances.fail(utteranceId, VizaviError.from(error));
    });
    return spoken;
  }

  /**
   * Says sound: mono PCM at 8, 16, 22.05, 24, 32, 44.1 or 48 kHz, whole or as it comes. Resolves like `repeat`.
   *
   * @throws VizaviError `invalid_audio` and others
   */
  async repeatAudio(pcm: Pcm | AsyncIterable<Pcm>, { sampleRate }: { readonly sampleRate: number }): Promise<Spoken> {
    const utteranceId = crypto.randomUUID();
    const spoken = this.#utterances.add(utteranceId);
    this.#sendAudio(utteranceId, pcm, sampleRate).catch((error: unknown) => {
      this.#utterances.fail(utteranceId, VizaviError.from(error));
    });
    return spoken;
  }

  /** Silence, now. */
  interrupt(): Promise<ResultOf<ViewerToServer, 'interrupt'>> {
    return this.#command('interrupt', {});
  }

  /** Tells the server that somebody is still here. */
  async keepAlive(): Promise<void> {
    await this.#command('session.keepAlive', {});
  }

  /** Ends the session for everybody in it. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    if (this.#channel.peer.connected) await this.#channel.peer.call('session.stop', {}).catch(() => undefined);
    this.#onStopped('client');
  }

  async stats(): Promise<SessionStats> {
    const askedMs = performance.now();
    const { stages, voiceMs } = await this.#command('session.stats', {});
    const roundTripMs = performance.now() - askedMs;
    return {
      ...(await this.#media.stats()),
      joinMs: this.#joinMs,
      firstFrameMs: this.#firstFrameMs,
      framesPresented: this.#player.framesPresented(),
      roundTripMs,
      stages,
      voiceMs,
    };
  }

  /** A call that outlives a lost connection: every command may be sent twice, the server takes it once. */
  async #command<T extends CallName<ViewerToServer>>(
    type: T,
    body: RequestOf<ViewerToServer, T>,
  ): Promise<ResultOf<ViewerToServer, T>> {
    for (let attempt = 1; ; attempt += 1) {
      if (this.#state === 'closed') throw new VizaviError('invalid_state', 'the session is closed');
      await this.#connected.promise;
      try {
        return await this.#channel.peer.call(type, body, ATTEMPT_TIMEOUT_MS);
      } catch (error) {
        const lost = error instanceof VizaviError && (error.code === 'disconnected' || error.code === 'timeout');
        if (!lost || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #sendAudio(utteranceId: string, pcm: Pcm | AsyncIterable<Pcm>, sampleRate: number): Promise<void> {
    let seq = 0;
    const send = async (samples: Int16Array, last: boolean): Promise<void> => {
      const body = { utteranceId, seq, sampleRate, pcm: bytesFromSamples(samples), last };
      for (;;) {
        try {
          await this.#command('repeatAudio', body);
          seq += 1;
          return;
        } catch (error) {
          // The server holds half a minute of sound; the rest waits here.
          if (!(error instanceof VizaviError) || error.code !== 'too_many_requests') throw error;
          await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
        }
      }
    };
    let sent = false;
    for await (const piece of pcmPieces(pcm, sampleRate)) {
      await send(piece, false);
      sent = true;
    }
    if (!sent) throw new VizaviError('invalid_audio', 'there is no sound in this');
    await send(new Int16Array(0), true);
  }

  /** After every connect, and when the media has to be set up anew. */
  #setUpMedia(): void {
    this.#enqueueMedia(async () => {
      const started = await this.#channel.peer.call('session.start', {
        viewerId: this.#viewerId,
        lastEventSeq: this.#lastEventSeq,
      });
      if (started.resumed && this.#joinMs !== null) return;
      await this.#media.connect(this.#channel.peer, started);
      this.#joinMs ??= performance.now() - this.#startMs;
      if (this.#state === 'joining') this.#state = 'live';
      void this.#player.play();
      this.emit('session.stream_ready', { stream: this.#media.stream });
      this.#ready.resolve(undefined);
    });
  }

  #enqueueMedia(work: () => Promise<void>): void {
    this.#mediaWork = this.#mediaWork.then(work).catch((error: unknown) => {
      const known = VizaviError.from(error);
      // A lost connection is followed by a new one, and that by a new set-up.
      if (known.code === 'disconnected' || known.code === 'timeout') return;
      if (this.#joinMs === null) this.#end(known);
    });
  }

  #notices(): NoticeHandlers<ServerToViewer> {
    const take =
      <T extends SessionEvent['type']>(type: T) =>
      (body: NoticeOf<ServerToViewer, T>, seq: number): void => {
        // Events are sent again after a reconnect; each counts once.
        if (seq <= this.#lastEventSeq) return;
        this.#lastEventSeq = seq;
        this.#onEvent({ type, body } as unknown as SessionEvent);
      };
    return {
      'session.state_changed': take('session.state_changed'),
      'session.stopped': take('session.stopped'),
      'session.media_changed': take('session.media_changed'),
      'avatar.speak_started': take('avatar.speak_started'),
      'avatar.speak_ended': take('avatar.speak_ended'),
      'avatar.transcription.chunk': take('avatar.transcription.chunk'),
      'avatar.transcription': take('avatar.transcription'),
      'avatar.text_skipped': take('avatar.text_skipped'),
    };
  }

  #onEvent(event: SessionEvent): void {
    this.#utterances.onEvent(event);
    if (event.type === 'session.state_changed') this.#state = event.body.state;
    if (event.type === 'session.media_changed') {
      if (event.body.scope === 'transport') this.#setUpMedia();
      if (event.body.scope === 'producers') this.#enqueueMedia(() => this.#media.consume());
    }
    if (event.type === 'session.stopped') this.#onStopped(event.body.reason);
    else this.emit(event.type, event.body as never);
  }

  #onStopped(reason: CloseReason): void {
    if (this.#ended) return;
    this.#end(new VizaviError('invalid_state', `the session has ended: ${reason}`));
    this.emit('session.stopped', { reason });
  }

  #end(error: VizaviError): void {
    this.#state = 'closed';
    this.#ended = true;
    this.#channel.close();
    this.#media.close();
    this.#player.detach();
    this.#utterances.close();
    this.#ready.reject(error);
    this.#connected.reject(error);
  }
}
