/** Events by name, each with one typed payload. */
export class TypedEmitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  /** Returns a function that takes the listener off again. */
  on<T extends keyof Events>(type: T, listener: (payload: Events[T]) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    listeners.add(listener);
    return () => {
      this.off(type, listener);
    };
  }

  once<T extends keyof Events>(type: T, listener: (payload: Events[T]) => void): () => void {
    const off = this.on(type, (payload) => {
      off();
      listener(payload);
    });
    return off;
  }

  off<T extends keyof Events>(type: T, listener: (payload: Events[T]) => void): void {
    this.#listeners.get(type)?.delete(listener);
  }

  protected emit<T extends keyof Events>(type: T, payload: Events[T]): void {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      try {
        (listener as (payload: Events[T]) => void)(payload);
      } catch (error) {
        // A listener's fault is not the session's.
        reportError(error);
      }
    }
  }
}
