import { VizaviError } from '@vizavi/signaling';
import type { BundleInfo } from '@vizavi/signaling';
import { Alarm } from './clock.ts';
import type { Clock } from './clock.ts';
import type { LeasedSlot, SlotEvents } from './leased-slot.ts';
import type { CreateMedia, Media, MediaEvents } from './media.ts';
import type { SlotDirectory, SlotRequest } from './slot-directory.ts';
import type { WaitOptions } from './slot-queue.ts';
import type { Telemetry } from './telemetry.ts';

export interface LivePathOptions {
  readonly directory: SlotDirectory;
  readonly createMedia: CreateMedia;
  readonly codec: 'h264' | 'vp8';
  readonly maxBitrateBps: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export interface LivePathEvents extends Omit<SlotEvents, 'lost'> {
  /** The slot is gone; another is looked for. */
  readonly recovering: () => void;
  /** The path stands again, on this slot, which has heard nothing yet. */
  readonly moved: (scope: 'producers' | 'transport', slot: LeasedSlot) => void;
  /** The path cannot be mended. */
  readonly failed: (error: VizaviError) => void;
}

/** How long a session waits for another slot. */
const REPAIR_TIMEOUT_MS = 30_000;
const RETRY_MS = 250;
/** Attempts at repair before a session is given up; forgotten once nothing has broken for some time. */
const MAX_ATTEMPTS = 6;
const HEALTHY_MS = 30_000;

/** The way of picture and sound: a slot, and the session's media that it sends to. Mends itself when either breaks. */
export class LivePath {
  readonly #options: LivePathOptions;
  readonly #events: LivePathEvents;
  readonly #request: SlotRequest;
  readonly #mediaEvents: MediaEvents;
  readonly #stop = new AbortController();
  readonly #health: Alarm;
  #slot: LeasedSlot | null = null;
  #media: Media | null = null;
  #watched = false;
  #listening = false;
  #bitrateBps: number;
  #attempts = 0;
  /** Null until the path stands. */
  #bundle: BundleInfo | null = null;
  #repairing: Promise<void> | null = null;

  private constructor(
    options: LivePathOptions,
    request: { readonly avatarId: string; readonly sessionId: string },
    events: LivePathEvents,
  ) {
    this.#options = options;
    this.#events = events;
    this.#bitrateBps = options.maxBitrateBps;
    this.#health = new Alarm(options.clock, () => {
      this.#attempts = 0;
    });
    const lost = (error: VizaviError): void => {
      this.#lose(error);
    };
    this.#request = { ...request, events: { ...events, lost } };
    this.#mediaEvents = {
      onBitrate: (bitrateBps) => {
        this.#bitrateBps = bitrateBps;
        this.#slot?.bitrate(bitrateBps);
      },
      onDied: () => {
        this.#repair();
      },
    };
  }

  /**
   * Takes a slot and opens it; with `queue` it waits for one.
   *
   * @throws VizaviError `no_capacity`, `media_failed`, or what the worker answered
   */
  static async open(
    options: LivePathOptions,
    request: { readonly avatarId: string; readonly sessionId: string },
    events: LivePathEvents,
    queue?: WaitOptions & { readonly signal: AbortSignal },
  ): Promise<LivePath> {
    const path = new LivePath(options, request, events);
    try {
      const { directory } = options;
      if (queue) path.#slot = await directory.leaseOrWait(path.#request, queue.signal, queue);
      const [slot, media] = await Promise.allSettled([
        path.#slot ?? directory.lease(path.#request),
        options.createMedia(path.#mediaEvents),
      ]);
      if (slot.status === 'fulfilled') path.#slot = slot.value;
      if (media.status === 'fulfilled') path.#media = media.value;
      if (slot.status === 'rejected') throw slot.reason;
      if (media.status === 'rejected') throw media.reason;
      await slot.value.open(media.value.ingest, options.codec, options.maxBitrateBps);
      if (media.value.closed) throw new VizaviError('media_failed', 'the media server failed just now');
      path.#bundle = slot.value.bundle;
      return path;
    } catch (error) {
      await path.close();
      throw VizaviError.from(error);
    }
  }

  /** What is shown. */
  get bundle(): BundleInfo {
    if (!this.#bundle) throw new VizaviError('invalid_state', 'the path does not stand yet');
    return this.#bundle;
  }

  /** The media, once it stands. @throws VizaviError `unavailable` */
  async media(): Promise<Media> {
    if (this.#media?.closed) await this.#repairing;
    if (!this.#media || this.#media.closed) throw new VizaviError('unavailable', 'the media is gone');
    return this.#media;
  }

  /** Null while another one is looked for. */
  get slot(): LeasedSlot | null {
    return this.#slot;
  }

  /** The face turns to somebody who speaks, or away again; so does that of the next slot. */
  listen(listening: boolean): void {
    this.#listening = listening;
    this.#slot?.listen(listening);
  }

  watch(watched: boolean): void {
    if (watched === this.#watched) return;
    this.#watched = watched;
    this.#slot?.watch(watched);
  }

  /** Never throws. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#health.clear();
    await this.#release();
    await this.#repairing;
    await this.#release(); // What a repair was making goes too.
  }

  async #release(): Promise<void> {
    const slot = this.#slot;
    this.#slot = null;
    await slot?.close();
    this.#media?.close();
  }

  #lose(error: VizaviError): void {
    const { sessionId } = this.#request;
    this.#options.telemetry.log.warn({ sessionId, reason: error.message }, 'a session lost its slot');
    const slot = this.#slot;
    this.#slot = null;
    void slot?.close();
    this.#events.recovering();
    this.#repair();
  }

  #repair(): void {
    if (!this.#bundle || this.#repairing || this.#stop.signal.aborted) return;
    const timeout = new AbortController();
    const cancelTimeout = this.#options.clock.after(REPAIR_TIMEOUT_MS, () => {
      timeout.abort();
    });
    this.#health.clear();
    this.#repairing = this.#mend(AbortSignal.any([timeout.signal, this.#stop.signal]))
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#events.failed(VizaviError.from(error));
      })
      .finally(() => {
        cancelTimeout();
        this.#repairing = null;
      });
  }

  async #mend(signal: AbortSignal): Promise<void> {
    const { directory, clock, telemetry, createMedia, codec } = this.#options;
    const { sessionId } = this.#request;
    let scope: 'producers' | 'transport' = 'producers';
    for (;;) {
      this.#attempts += 1;
      if (this.#attempts > MAX_ATTEMPTS) throw new VizaviError('unavailable', 'the avatar keeps failing');
      let slot = this.#slot;
      try {
        slot ??= await directory.leaseOrWait(this.#request, signal);
        this.#slot = slot;
        signal.throwIfAborted();
        if (!this.#media || this.#media.closed) {
          this.#media = await unlessAborted(createMedia(this.#mediaEvents), signal);
          scope = 'transport';
        } else if (scope === 'producers') {
          await this.#media.replaceIngest();
        }
        await slot.open(this.#media.ingest, codec, this.#bitrateBps);
        signal.throwIfAborted();
        if (this.#media.closed) continue; // It died just now.
        this.#watched = false; // Consumers ended with what they consumed.
        if (this.#listening) slot.listen(true);
        this.#health.set(HEALTHY_MS);
        this.#events.moved(scope, slot);
        return;
      } catch (error) {
        telemetry.log.warn({ err: error, sessionId }, 'a session’s path is not mended yet');
        this.#slot = null;
        await slot?.close();
        signal.throwIfAborted();
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
      }
    }
  }
}

/** The media, or at once the signal's reason; media that comes after that is closed. */
async function unlessAborted(making: Promise<Media>, signal: AbortSignal): Promise<Media> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
      making.then(
        (media) => {
          media.close();
        },
        () => undefined,
      );
    });
  });
  return Promise.race([making, aborted]);
}
