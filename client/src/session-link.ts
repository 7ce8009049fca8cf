import { serverToViewer, VizaviError, viewerToServer } from '@vizavi/signaling';
import type {
  CallName,
  NoticeHandlers,
  Peer,
  RequestOf,
  ResultOf,
  ServerToViewer,
  SessionEvent,
  ViewerToServer,
} from '@vizavi/signaling';
import type { ChannelOptions } from '@vizavi/signaling/channel';
import { Deferred } from './deferred.ts';

type Call = CallName<ViewerToServer>;
export type Started = ResultOf<ViewerToServer, 'session.start'>;
export type ViewerChannelOptions = ChannelOptions<ServerToViewer, ViewerToServer>;

/** The part of a Channel that is used here. */
export interface ViewerChannel {
  readonly peer: Pick<Peer<ServerToViewer, ViewerToServer>, 'call' | 'connected'>;
  open(): void;
  close(): void;
  drop(): void;
}

export interface SessionLinkOptions {
  readonly url: string;
  readonly token: string;
  readonly openChannel: (options: ViewerChannelOptions) => ViewerChannel;
  readonly newId: () => string;
  /** Each event once, in order, whatever happens to the connection. */
  readonly onEvent: (event: SessionEvent) => void;
  readonly onConnected: (connected: boolean) => void;
  /** The server knows this viewer on this connection. */
  readonly onJoined: (started: Started) => void;
  /** The media that a resumed viewer must still have is here too. */
  readonly hasMedia: () => boolean;
  /** The server will not have this viewer (any more). */
  readonly onRefused: (error: VizaviError) => void;
}

const RETRY_MS = 1000;

/** A viewer's place in a session, over one signaling connection after another. */
export class SessionLink {
  readonly #options: SessionLinkOptions;
  readonly #channel: ViewerChannel;
  #viewerId: string;
  #lastEventSeq = -1;
  /** Settled while joined; a new one waits for the next join. */
  #joined = new Deferred<undefined>();
  #everJoined = false;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionLinkOptions) {
    this.#options = options;
    this.#viewerId = options.newId();
    this.#channel = options.openChannel({
      url: options.url,
      namespace: '/',
      auth: { token: options.token },
      incoming: serverToViewer,
      outgoing: viewerToServer,
      calls: {},
      notices: this.#notices(),
      onConnect: () => {
        options.onConnected(true);
        void this.join();
      },
      onDisconnect: () => {
        this.#joined = new Deferred();
        options.onConnected(false);
      },
      onRefused: (error) => {
        this.#refused(error);
      },
    });
  }

  open(): void {
    this.#channel.open();
  }

  /** Ends the connection; calls that wait for it reject with `error`. */
  close(error: VizaviError): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#channel.close();
    this.#joined.reject(error);
    this.#joined = new Deferred();
    this.#joined.reject(error);
  }

  /**
   * Asks the server once joined. Every call may be sent again without harm, so one that was lost with its connection
   * is, after the next join, in the same order.
   *
   * @throws VizaviError what the server answered, or `timeout`
   */
  async call<T extends Call>(
    type: T,
    body: RequestOf<ViewerToServer, T>,
  ): Promise<ResultOf<ViewerToServer, T>> {
    for (;;) {
      await this.#joined.promise;
      try {
        return await this.#channel.peer.call(type, body);
      } catch (error) {
        if (!isLost(error) || this.#closed) throw error;
      }
    }
  }

  /** Asks the server on this connection alone. @throws VizaviError what the server answered, `timeout`, `disconnected` */
  async callNow<T extends Call>(
    type: T,
    body: RequestOf<ViewerToServer, T>,
  ): Promise<ResultOf<ViewerToServer, T>> {
    if (!this.#channel.peer.connected) throw new VizaviError('disconnected', 'there is no connection now');
    return this.#channel.peer.call(type, body);
  }

  /** Takes (or takes up again) this viewer's place; the answer goes to `onJoined`. */
  async join(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      const started = await this.callNow('session.start', {
        viewerId: this.#viewerId,
        lastEventSeq: this.#lastEventSeq,
      });
      if (this.#closed) return;
      if (started.resumed && !this.#options.hasMedia()) {
        this.renew();
        return;
      }
      this.#everJoined = true;
      this.#joined.resolve(undefined);
      this.#options.onJoined(started);
    } catch (error) {
      // When the connection was lost the next one joins.
      if (!isLost(error) && !this.#closed) this.#refused(VizaviError.from(error));
    }
  }

  /** Joins again soon. */
  joinLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.join(), RETRY_MS);
  }

  /**
   * Joins as another viewer, on a new connection: the server keeps the media of this one as it is, however useless
   * that may be here.
   */
  renew(): void {
    this.#viewerId = this.#options.newId();
    if (this.#channel.peer.connected) this.#channel.drop();
  }

  #refused(error: VizaviError): void {
    if (!this.#everJoined || !error.retryable) this.#options.onRefused(error);
    // A refused connection is dialled again by the channel.
    else if (this.#channel.peer.connected) this.joinLater();
  }

  #notices(): NoticeHandlers<ServerToViewer> {
    const names = Object.keys(serverToViewer.notices) as SessionEvent['type'][];
    const receive = (type: SessionEvent['type']) => (body: unknown, seq: number) => {
      if (this.#closed || seq <= this.#lastEventSeq) return;
      this.#lastEventSeq = seq;
      this.#options.onEvent({ type, body } as SessionEvent);
    };
    return Object.fromEntries(
      names.map((name) => [name, receive(name)]),
    ) as unknown as NoticeHandlers<ServerToViewer>;
  }
}

function isLost(error: unknown): boolean {
  return error instanceof VizaviError && error.code === 'disconnected';
}
