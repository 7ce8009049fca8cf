export interface PlayerOptions {
  readonly stream: MediaStream;
  /** The first frame is on the screen; `performance.now()`. */
  readonly onFirstFrame: (atMs: number) => void;
  /** Plays muted, because the browser wants a gesture first. */
  readonly onAutoplayBlocked: () => void;
}

/** The page's video element, and what it takes to make it play. */
export class Player {
  readonly #options: PlayerOptions;
  #video: HTMLVideoElement | null = null;

  constructor(options: PlayerOptions) {
    this.#options = options;
  }

  get framesPresented(): number {
    const quality = this.#video?.getVideoPlaybackQuality();
    return quality ? quality.totalVideoFrames - quality.droppedVideoFrames : 0;
  }

  attach(video: HTMLVideoElement): void {
    this.detach();
    this.#video = video;
    // Phones otherwise open their own full-screen player.
    video.playsInline = true;
    video.autoplay = true;
    video.srcObject = this.#options.stream;
    video.requestVideoFrameCallback((_now, { expectedDisplayTime }) => {
      this.#options.onFirstFrame(expectedDisplayTime);
    });
    void this.play();
  }

  /** With sound if the browser lets us, else without. */
  async play(): Promise<void> {
    const video = this.#video;
    if (!video) return;
    try {
      await video.play();
    } catch (error) {
      // AbortError and its kind: the element was given something else to do.
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError' || video.muted) return;
      video.muted = true;
      this.#options.onAutoplayBlocked();
      await video.play().catch(() => undefined);
    }
  }

  async unmute(): Promise<void> {
    if (this.#video) this.#video.muted = false;
    await this.play();
  }

  detach(): void {
    if (this.#video) this.#video.srcObject = null;
    this.#video = null;
  }
}
