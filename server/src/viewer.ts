import { VizaviError } from '@vizavi/signaling';
import type { Peer, Role, ServerToViewer, ViewerToServer } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import { Alarm } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Media, ViewerMedia } from './media.ts';
import type { NumberedEvent } from './session-events.ts';

export type ViewerPeer = Peer<ViewerToServer, ServerToViewer>;

/** Unread messages after which a viewer counts as one that never reads. */
const MAX_BACKLOG = 1000;

/** One who watches: media that outlives a lost signaling connection for a while, and the connection of the moment. */
export class Viewer {
  readonly viewerId: string;
  readonly #onChange: () => void;
  readonly #graceMs: number;
  readonly #expiry: Alarm;
  #connection: Connection | null = null;
  #peer: ViewerPeer | null = null;
  #role: Role = 'audience';
  #media: ViewerMedia | null = null;

  constructor(options: {
    readonly viewerId: string;
    readonly clock: Clock;
    /** How long a viewer without a connection is kept. */
    readonly graceMs: number;
    /** The viewer's media or connection has changed. */
    readonly onChange: () => void;
    readonly onExpired: () => void;
  }) {
    this.viewerId = options.viewerId;
    this.#onChange = options.onChange;
    this.#graceMs = options.graceMs;
    this.#expiry = new Alarm(options.clock, options.onExpired);
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  get watching(): boolean {
    return this.#media?.watching ?? false;
  }

  /** @throws VizaviError `invalid_state` before `session.start` has set it up */
  get media(): ViewerMedia {
    if (!this.#media) throw new VizaviError('invalid_state', 'session.start comes first');
    return this.#media;
  }

  /** True when this connection speaks for the viewer. */
  isOn(connection: Connection): boolean {
    return this.#connection === connection;
  }

  /** From now on this connection speaks for the viewer; an earlier one no longer does. */
  attach(connection: Connection): void {
    this.#expiry.clear();
    if (this.#connection !== connection) this.#peer = null;
    this.#connection = connection;
    this.#onChange();
  }

  detach(connection: Connection): void {
    if (!this.isOn(connection)) return;
    this.#connection = null;
    this.#peer = null;
    this.#expiry.set(this.#graceMs);
    this.#onChange();
  }

  /** Media to receive through: what stands, or a new one. Returns whether it stood. */
  async open(media: Media): Promise<boolean> {
    if (this.#media && !this.#media.closed) return true;
    const mine = await media.addViewer(this.#onChange);
    this.#media?.close(); // Of two starts at once the later wins.
    this.#media = mine;
    return false;
  }

  /** Sends the events that were missed, and from now on every new one that is meant for this role. */
  follow(peer: ViewerPeer, role: Role, missed: readonly NumberedEvent[]): void {
    this.#peer = peer;
    this.#role = role;
    for (const event of missed) this.send(event);
  }

  send({ event, seq }: NumberedEvent): void {
    if (event.type === 'audience.asked' && this.#role !== 'presenter') return;
    if ((this.#connection?.backlog ?? 0) > MAX_BACKLOG) this.#connection?.close();
    this.#peer?.notify(event.type, event.body, seq);
  }

  closeMedia(): void {
    this.#expiry.clear();
    this.#media?.close();
  }

  closeConnection(): void {
    this.#connection?.close();
  }
}
