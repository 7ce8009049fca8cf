import type { QueuePlace } from '@vizavi/signaling';

export interface WaitOptions {
  /** Goes before those who are not: a session that has lost its slot goes before new ones. */
  readonly first?: boolean;
  /** Told whenever the place changes. */
  readonly onPlace?: (place: QueuePlace) => void;
}

/** One who waits for a slot. */
export interface Waiter {
  readonly avatarId: string;
  readonly options: WaitOptions;
  wake: () => void;
  place: QueuePlace | null;
}

/** Who waits for which avatar, in order of arrival. */
export class SlotQueue {
  readonly #estimateMs: (avatarId: string, position: number) => number | null;
  #waiters: Waiter[] = [];

  constructor(estimateMs: (avatarId: string, position: number) => number | null) {
    this.#estimateMs = estimateMs;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /** Somebody waits for this avatar already. */
  has(avatarId: string): boolean {
    return this.#waiters.some((waiter) => waiter.avatarId === avatarId);
  }

  add(avatarId: string, options: WaitOptions): Waiter {
    const waiter: Waiter = { avatarId, options, wake: () => undefined, place: null };
    const behind = options.first ? this.#waiters.findIndex((other) => !other.options.first) : -1;
    this.#waiters.splice(behind < 0 ? this.#waiters.length : behind, 0, waiter);
    this.tell();
    return waiter;
  }

  remove(waiter: Waiter): void {
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    this.wake();
  }

  /** Nobody else who waits for the same avatar comes before. */
  isNext(waiter: Waiter): boolean {
    return this.#waiters.find(({ avatarId }) => avatarId === waiter.avatarId) === waiter;
  }

  /** Slots may have become free. */
  wake(): void {
    for (const waiter of this.#waiters) waiter.wake();
    this.tell();
  }

  /** Tells those whose place has changed. */
  tell(): void {
    const counts = new Map<string, number>();
    for (const waiter of this.#waiters) {
      const position = (counts.get(waiter.avatarId) ?? 0) + 1;
      counts.set(waiter.avatarId, position);
      if (waiter.place?.position === position) continue;
      waiter.place = { position, estimateMs: this.#estimateMs(waiter.avatarId, position) };
      waiter.options.onPlace?.(waiter.place);
    }
  }
}
