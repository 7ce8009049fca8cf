import { VizaviError } from '@vizavi/signaling';
import type { QueuePlace } from '@vizavi/signaling';
import { LivePath } from './live-path.ts';
import type { LivePathEvents } from './live-path.ts';
import type { SessionDeps, SessionRequest } from './session-options.ts';

export interface QueuedPathEvents {
  readonly onPlace: (place: QueuePlace) => void;
  /** Its turn has come. */
  readonly onPath: (path: LivePath) => void;
  /** It waited too long, or what it waited for failed. */
  readonly onFailed: (reason: 'no_capacity' | 'server') => void;
}

/** The wait of one session for its first slot. */
export class QueuedPath {
  readonly #stop = new AbortController();
  readonly #waiting: Promise<void>;
  #place: QueuePlace | null = null;

  constructor(
    deps: SessionDeps,
    request: SessionRequest,
    pathEvents: LivePathEvents,
    events: QueuedPathEvents,
  ) {
    const { clock, telemetry } = deps;
    const startMs = clock.nowMs();
    const { signal } = this.#stop;
    const cancelTimeout = clock.after(deps.queueTimeoutMs, () => {
      this.#stop.abort();
    });
    const onPlace = (place: QueuePlace): void => {
      this.#place = place;
      events.onPlace(place);
    };
    this.#waiting = LivePath.open(deps, request, pathEvents, { signal, onPlace })
      .then(
        async (path) => {
          this.#place = null;
          if (signal.aborted) return path.close();
          telemetry.metrics.queueWaitMs.observe(clock.nowMs() - startMs);
          events.onPath(path);
        },
        (error: unknown) => {
          this.#place = null;
          events.onFailed(VizaviError.from(error).code === 'no_capacity' ? 'no_capacity' : 'server');
        },
      )
      .finally(cancelTimeout);
  }

  /** Null once the wait is over. */
  get place(): QueuePlace | null {
    return this.#place;
  }

  /** Gives the place up. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#waiting;
  }
}
