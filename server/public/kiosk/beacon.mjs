const PERIOD_MS = 30_000;
const LIMIT_MS = 5000;

/** Tells somebody every half minute, and at every change, how this kiosk is doing. */
export class Beacon {
  #options;
  #sending = false;
  #again = false;
  #timer = 0;

  /**
   * @param {{
   *   url: string,
   *   token: string | null,
   *   status: () => object,
   *   onVersion: (version: string) => void,
   * }} options `onVersion` hears which page the server has now
   */
  constructor(options) {
    this.#options = options;
    this.send();
  }

  /** What the watchdog needs to tell in this page's place. */
  get address() {
    const { url, token } = this.#options;
    return { url, token };
  }

  send() {
    if (this.#sending) this.#again = true;
    else void this.#send();
  }

  async #send() {
    clearTimeout(this.#timer);
    this.#sending = true;
    const { url, token, status, onVersion } = this.#options;
    try {
      const response = await fetch(url, beaconRequest(token, status()));
      const { version } = await response.json();
      if (response.ok && typeof version === 'string') onVersion(version);
    } catch {
      // Whoever waits for the beacon notices that it does not come.
    }
    this.#sending = false;
    const wasAsked = this.#again;
    this.#again = false;
    this.#timer = setTimeout(() => this.send(), wasAsked ? 1000 : PERIOD_MS);
  }
}

/** @param {string | null} token @param {object} status */
export function beaconRequest(token, status) {
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(status),
    keepalive: true,
    signal: AbortSignal.timeout(LIMIT_MS),
  };
}
