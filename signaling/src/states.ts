import { VizaviError } from './errors.ts';

/** Each state and the states that may follow it. An empty list is an end. */
export type TransitionTable<S extends string> = Readonly<Record<S, readonly S[]>>;

/** One conversation. `joining` until the first viewer's media flows; `queued` while it waits for its first slot. */
export const SESSION_STATES = {
  joining: ['queued', 'live', 'closing'],
  queued: ['joining', 'closing'],
  live: ['closing'],
  closing: ['closed'],
  closed: [],
} as const satisfies TransitionTable<'queued' | 'joining' | 'live' | 'closing' | 'closed'>;
export type SessionState = keyof typeof SESSION_STATES;

/** One lane of a GPU worker. `priming` opens encoders and sockets; `draining` gives them back. */
export const SLOT_STATES = {
  free: ['priming'],
  priming: ['idle', 'draining'],
  idle: ['speaking', 'draining'],
  speaking: ['idle', 'draining'],
  draining: ['free'],
} as const satisfies TransitionTable<'free' | 'priming' | 'idle' | 'speaking' | 'draining'>;
export type SlotState = keyof typeof SLOT_STATES;

/** A value that changes only along its table. */
export class StateMachine<S extends string> {
  readonly #table: TransitionTable<S>;
  readonly #onChange: (to: S, from: S) => void;
  #state: S;

  constructor(table: TransitionTable<S>, initial: S, onChange: (to: S, from: S) => void = () => undefined) {
    this.#table = table;
    this.#state = initial;
    this.#onChange = onChange;
  }

  get state(): S {
    return this.#state;
  }

  is(...states: readonly S[]): boolean {
    return states.includes(this.#state);
  }

  /** @throws VizaviError `invalid_state` when the table has no such step. */
  to(next: S): void {
    const from = this.#state;
    if (!this.#table[from].includes(next)) {
      throw new VizaviError('invalid_state', `cannot go from ${from} to ${next}`);
    }
    this.#state = next;
    this.#onChange(next, from);
  }
}
