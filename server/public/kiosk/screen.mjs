/** Keys that move between what can be touched. All others belong to nobody here. */
const KEYS = ['Tab', 'Enter', ' ', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];

/** Nothing of the browser can be reached from the page. */
export function lockDown() {
  const no = (event) => event.preventDefault();
  const options = { passive: false, capture: true };
  const never = 'contextmenu selectstart dragstart drop gesturestart gesturechange wheel touchmove auxclick';
  for (const type of never.split(' ')) document.addEventListener(type, no, options);
  document.addEventListener(
    'keydown',
    (event) => {
      if (!KEYS.includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) no(event);
    },
    options,
  );
}

/** The whole screen, where a touch allows it. */
export function fillScreen() {
  if (document.fullscreenElement || !document.fullscreenEnabled) return;
  document.documentElement
    .requestFullscreen({ navigationUI: 'hide' })
    .then(() => navigator.keyboard?.lock?.())
    .catch(() => undefined);
}

/** Keeps the screen lit while it is wanted; browsers take that back whenever the page is hidden, and when power runs low. */
export class WakeLock {
  #sentinel = null;
  #isWanted = false;
  #asking = false;

  constructor() {
    document.addEventListener('visibilitychange', () => void this.#apply());
  }

  set isWanted(isWanted) {
    if (this.#isWanted === isWanted && this.#isHeld === isWanted) return;
    this.#isWanted = isWanted;
    void this.#apply();
  }

  get #isHeld() {
    return this.#sentinel !== null && !this.#sentinel.released;
  }

  async #apply() {
    if (!this.#isWanted) {
      const sentinel = this.#sentinel;
      this.#sentinel = null;
      await sentinel?.release().catch(() => undefined);
      return;
    }
    if (this.#asking || this.#isHeld || document.hidden || !navigator.wakeLock) return;
    this.#asking = true;
    this.#sentinel = await navigator.wakeLock.request('screen').catch(() => null);
    this.#asking = false;
    if (!this.#isWanted) void this.#apply();
  }
}
