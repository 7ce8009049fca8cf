import type { AvatarSession } from '../avatar-session.ts';
import type { ElementState } from './panel.ts';

const KEEP_ALIVE_MS = 15_000;
const STATES: readonly ElementState[] = [
  'idle',
  'connecting',
  'queued',
  'live',
  'waiting',
  'ended',
  'failed',
];

/** Somebody who types or points at the element is here, even when nothing is said. */
export function keepAliveWhileUsed(element: HTMLElement, session: () => AvatarSession | null): void {
  let keptAliveMs = -Infinity;
  const onUse = (): void => {
    const nowMs = performance.now();
    const current = session();
    if (!current || nowMs - keptAliveMs < KEEP_ALIVE_MS) return;
    keptAliveMs = nowMs;
    current.keepAlive().catch(() => undefined);
  };
  for (const type of ['keydown', 'pointerdown', 'pointermove']) element.addEventListener(type, onUse);
}

/** States that a page's style sheet can ask for with `:state(name)`. */
export function setStates(
  internals: ElementInternals,
  state: ElementState,
  besides: Readonly<Record<string, boolean>>,
): void {
  const all = STATES.map((name) => [name, name === state] as const);
  for (const [name, isOn] of [...all, ...Object.entries(besides)]) {
    try {
      if (isOn) internals.states.add(name);
      else internals.states.delete(name);
    } catch {
      // Older browsers want other names; the attribute says the most important of it.
    }
  }
}
