const UPDATE_MS = 3600_000;
/** A page is not loaded anew more often than this, whatever happens. */
const LEAST_MS = 30_000;

/** Keeps the page at hand while the server is away, and changes it for a newer one when nobody is here. */
export class PageKeeper {
  #version;
  #isStale = false;
  #registration = null;

  /** @param {string} version of this page */
  constructor(version) {
    this.#version = version;
    const workers = navigator.serviceWorker;
    // Missing outside of https and localhost.
    if (!workers) return;
    workers
      .register('/kiosk/sw.js', { scope: '/kiosk/', updateViaCache: 'none' })
      .then((registration) => (this.#registration = registration))
      .catch(() => undefined);
    setInterval(() => void this.#update(), UPDATE_MS);
  }

  /** The server has this one now. */
  serverHas(version) {
    if (version === this.#version || this.#isStale) return;
    this.#isStale = true;
    void this.#update();
  }

  /** This page cannot talk with the server as it is now. */
  outdated() {
    this.#isStale = true;
    void this.#update();
  }

  /** There is a newer page, and it may be loaded. */
  get isReloadDue() {
    return this.#isStale && performance.now() > LEAST_MS;
  }

  async #update() {
    await this.#registration?.update().catch(() => undefined);
  }
}
