import { VizaviError } from '@vizavi/signaling';
import type { PageState, SessionEvent } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import { AudienceQuestions } from './audience-questions.ts';
import type { Clock } from './clock.ts';
import { SessionEvents } from './session-events.ts';
import type { NumberedEvent } from './session-events.ts';
import { Viewer } from './viewer.ts';

const OF_THE_MOMENT = new Set<SessionEvent['type']>(['session.media_changed', 'tool.called']);

export interface SessionViewersOptions {
  readonly clock: Clock;
  readonly graceMs: number;
  readonly maxViewers: number;
  /** One may have come or gone, or has begun or ceased to watch. */
  readonly onChange: () => void;
  /** This one is gone for good. */
  readonly onGone: (viewerId: string) => void;
  /** The last one is gone for good. */
  readonly onEmpty: () => void;
}

/** Those who watch a session, and what each of them has been told. */
export class SessionViewers {
  readonly questions: AudienceQuestions;
  readonly #options: SessionViewersOptions;
  readonly #viewers = new Map<string, Viewer>();
  readonly #events = new SessionEvents();
  #page: PageState = {};

  constructor(options: SessionViewersOptions) {
    this.#options = options;
    this.questions = new AudienceQuestions(options.clock, (askId, text) => {
      this.send({ type: 'audience.asked', body: { askId, text } });
    });
  }

  /** What the pages of all viewers show. */
  get page(): PageState {
    return this.#page;
  }

  setPage(state: PageState): void {
    this.#page = state;
    this.send({ type: 'page.changed', body: { state } });
  }

  /** Viewers whose media flows. */
  get watching(): number {
    return [...this.#viewers.values()].filter(({ watching }) => watching).length;
  }

  get connected(): number {
    return [...this.#viewers.values()].filter(({ connected }) => connected).length;
  }

  /** The viewer of this name, known or new, from now on over this connection. @throws VizaviError `too_many_viewers` */
  admit(viewerId: string, connection: Connection): Viewer {
    const { clock, graceMs, maxViewers, onChange } = this.#options;
    let viewer = this.#viewers.get(viewerId);
    if (!viewer) {
      if (this.#viewers.size >= maxViewers) this.#makeRoom();
      viewer = new Viewer({
        viewerId,
        clock,
        graceMs,
        onChange,
        onExpired: () => {
          this.#remove(viewerId);
        },
      });
      this.#viewers.set(viewerId, viewer);
    }
    viewer.attach(connection);
    return viewer;
  }

  /**
   * Events that came after this one. A viewer that begins anew has no use for what became of its old media, and has not to
   * do again what was done for it.
   */
  after(lastEventSeq: number, resumed = false): readonly NumberedEvent[] {
    return this.#events.after(lastEventSeq).filter(({ event }) => resumed || !OF_THE_MOMENT.has(event.type));
  }

  send(event: SessionEvent): void {
    const numbered = this.#events.add(event);
    for (const viewer of this.#viewers.values()) viewer.send(numbered);
  }

  closeMedia(): void {
    for (const viewer of this.#viewers.values()) viewer.closeMedia();
  }

  /** Forgets all; their connections end after a while, unless they hang up before. */
  end(afterMs: number): void {
    const viewers = [...this.#viewers.values()];
    this.#viewers.clear();
    this.#options.clock.after(afterMs, () => {
      for (const viewer of viewers) viewer.closeConnection();
    });
  }

  /** A viewer that is away gives way to one that is here. @throws VizaviError `too_many_viewers` */
  #makeRoom(): void {
    const away = [...this.#viewers.values()].find(({ connected }) => !connected);
    if (!away) {
      throw new VizaviError('too_many_viewers', `at most ${this.#options.maxViewers} may watch this session`);
    }
    away.closeMedia();
    this.#viewers.delete(away.viewerId);
    this.#gone(away.viewerId);
  }

  #remove(viewerId: string): void {
    this.#viewers.get(viewerId)?.closeMedia();
    this.#viewers.delete(viewerId);
    this.#gone(viewerId);
    this.#options.onChange();
    if (this.#viewers.size === 0) this.#options.onEmpty();
  }

  #gone(viewerId: string): void {
    this.questions.forget(viewerId);
    this.#options.onGone(viewerId);
  }
}
