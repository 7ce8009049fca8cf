/**
 * asleep → waking → greeting → talking ⇄ leaving → parting → asleep; whatever breaks leads to resting, and from there
 * back. What is not in the table does not happen.
 */
const LIVE = { failed: 'resting', over: 'asleep', suspended: 'asleep' };
const TABLE = {
  asleep: { wake: 'waking', lost: 'resting' },
  waking: { joined: 'greeting', done: 'asleep', ...LIVE },
  greeting: { greeted: 'talking', absent: 'leaving', done: 'parting', due: 'talking', ...LIVE },
  talking: { absent: 'leaving', done: 'parting', due: 'leaving', ...LIVE },
  leaving: { active: 'talking', done: 'parting', due: 'parting', ...LIVE },
  parting: { active: 'talking', said: 'asleep', due: 'asleep', ...LIVE },
  resting: { recovered: 'asleep', again: 'waking' },
};

const JOIN_LIMIT_MS = 30_000;
/** So long a visitor waits for an avatar that talks with somebody else, at least. */
const PATIENCE_MS = 60_000;
const GREETING_LIMIT_MS = 20_000;
/** A sound whose end nobody told. */
const BUSY_LIMIT_MS = 120_000;
export const COUNTDOWN_MS = 12_000;
/** When the camera has seen the visitor go. */
export const SHORT_COUNTDOWN_MS = 5000;
const PARTING_LIMIT_MS = 8000;
/** A visitor whose conversation broke so long ago is still there. */
const STILL_THERE_MS = 20_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * How long to rest before trying again.
 *
 * @param {number} attempt how often it was tried in vain, from 0
 * @param {number} chance 0 to 1: kiosks that lost their server together do not come back together
 */
export function pauseMs(attempt, chance) {
  const fullMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  return Math.max(FIRST_PAUSE_MS, fullMs * (0.6 + 0.4 * chance));
}

/** What a kiosk is doing, and when it does something else by itself. */
export class KioskMachine {
  #options;
  #state = 'asleep';
  #cancel = () => undefined;
  #isBusy = false;
  #isQueued = false;
  #isShort = false;
  #attempt = 0;
  #brokenMs = null;
  #probe = null;

  /**
   * @param {{
   *   clock: { nowMs(): number, after(delayMs: number, run: () => void): () => void },
   *   random: () => number,
   *   timeoutMs: number,
   *   onState: (state: string, before: string) => void,
   *   probe: () => Promise<boolean>,
   * }} options `probe` tells whether the server would take a visitor; never rejects
   */
  constructor(options) {
    this.#options = options;
  }

  get state() {
    return this.#state;
  }

  /** Somebody is being looked after. */
  get hasVisitor() {
    return this.#state !== 'asleep' && this.#state !== 'resting';
  }

  /** How long `leaving` lasts. */
  get countdownMs() {
    return this.#isShort ? SHORT_COUNTDOWN_MS : COUNTDOWN_MS;
  }

  /**
   * `wake`, `joined`, `greeted`, `active`, `absent`, `done`, `said`, `failed`, `over`, `suspended`, `lost`, `online`; what does not
   * fit is nothing.
   *
   * @param {string} event
   */
  send(event) {
    const { clock } = this.#options;
    if (this.#state === 'resting' && (event === 'wake' || event === 'online')) {
      if (event === 'wake') this.#brokenMs = clock.nowMs();
      this.#try();
      return;
    }
    const next = TABLE[this.#state][event];
    if (next === undefined) {
      if (event === 'active') this.#wait();
      return;
    }
    if (event === 'failed') this.#brokenMs = clock.nowMs();
    if (event === 'lost') this.#brokenMs = null;
    if (event === 'greeted') this.#attempt = 0;
    this.#isShort = event === 'absent';
    this.#enter(next);
  }

  /** The avatar or the visitor is speaking: nobody is idle. */
  setBusy(isBusy) {
    if (this.#isBusy === isBusy) return;
    this.#isBusy = isBusy;
    if (this.#state === 'talking') this.#wait();
  }

  /** The avatar talks with somebody else; this visitor waits. */
  queued() {
    if (this.#state !== 'waking' || this.#isQueued) return;
    this.#isQueued = true;
    this.#wait();
  }

  #enter(state) {
    const before = this.#state;
    this.#state = state;
    this.#isQueued = false;
    if (!this.hasVisitor) this.#isBusy = false;
    this.#probe = null;
    this.#wait();
    this.#options.onState(state, before);
  }

  /** Begins to count again. */
  #wait() {
    const { clock } = this.#options;
    this.#cancel();
    const limitMs = this.#limitMs();
    this.#cancel = limitMs === null ? () => undefined : clock.after(limitMs, () => this.#due());
  }

  #limitMs() {
    const { timeoutMs, random } = this.#options;
    switch (this.#state) {
      case 'waking':
        return this.#isQueued ? Math.max(PATIENCE_MS, timeoutMs) : JOIN_LIMIT_MS;
      case 'greeting':
        return GREETING_LIMIT_MS;
      case 'talking':
        return this.#isBusy ? BUSY_LIMIT_MS : timeoutMs;
      case 'leaving':
        return this.countdownMs;
      case 'parting':
        return PARTING_LIMIT_MS;
      case 'resting':
        return pauseMs(this.#attempt, random());
      default:
        return null;
    }
  }

  #due() {
    if (this.#state === 'resting') this.#try();
    else if (this.#state === 'waking') this.send(this.#isQueued ? 'done' : 'failed');
    else this.send('due');
  }

  #try() {
    if (this.#probe) return;
    this.#cancel();
    const probe = this.#options.probe();
    this.#probe = probe;
    void probe.then((isWell) => {
      if (this.#probe !== probe) return;
      this.#probe = null;
      this.#attempt += 1;
      if (!isWell) this.#wait();
      else this.send(this.#isVisitorThere() ? 'again' : 'recovered');
    });
  }

  #isVisitorThere() {
    return this.#brokenMs !== null && this.#options.clock.nowMs() - this.#brokenMs < STILL_THERE_MS;
  }
}
