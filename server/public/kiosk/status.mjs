/** Counts since the page was loaded; nothing of what was said. */
export class Status {
  #version;
  #state = 'asleep';
  visitors = 0;
  #errors = 0;
  #lastError = null;

  constructor(version) {
    this.#version = version;
  }

  set state(state) {
    this.#state = state;
  }

  /** @param {string} code */
  failed(code) {
    this.#errors += 1;
    this.#lastError = String(code)
      .replace(/[^a-z_]/g, '_')
      .slice(0, 40);
  }

  /** As the beacon tells it. */
  get now() {
    return {
      state: this.#state,
      uptimeSec: Math.round(performance.now() / 1000),
      visitors: this.visitors,
      errors: this.#errors,
      lastError: this.#lastError,
      version: this.#version,
    };
  }
}
