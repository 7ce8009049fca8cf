type Listener<T> = (body: T) => void;

/** Calls listeners in the order in which they came. One that throws does not keep the others from hearing. */
export class TypedEmitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();

  on<T extends keyof Events>(type: T, listener: Listener<Events[T]>): this {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    return this;
  }

  off<T extends keyof Events>(type: T, listener: Listener<Events[T]>): this {
    this.#listeners.get(type)?.delete(listener);
    return this;
  }

  once<T extends keyof Events>(type: T, listener: Listener<Events[T]>): this {
    const first: Listener<Events[T]> = (body) => {
      this.off(type, first);
      listener(body);
    };
    return this.on(type, first);
  }

  protected emit<T extends keyof Events>(type: T, body: Events[T]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])] as Listener<Events[T]>[]) {
      try {
        listener(body);
      } catch (error) {
        // The listener's own fault: shown where the page's other uncaught errors are.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
