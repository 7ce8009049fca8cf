import type { SessionEvent } from '@vizavi/signaling';

/** Events that a viewer who lost its connection can still get: minutes of conversation. */
const KEPT = 200;

export interface NumberedEvent {
  readonly seq: number;
  readonly event: SessionEvent;
}

/** A session's events, numbered from 0, the latest of them kept for viewers that come back. */
export class SessionEvents {
  readonly #kept: NumberedEvent[] = [];
  #nextSeq = 0;

  add(event: SessionEvent): NumberedEvent {
    const numbered = { seq: this.#nextSeq++, event };
    this.#kept.push(numbered);
    if (this.#kept.length > KEPT) this.#kept.shift();
    return numbered;
  }

  /** Kept events later than number `seq`. */
  after(seq: number): readonly NumberedEvent[] {
    return this.#kept.filter((numbered) => numbered.seq > seq);
  }
}
