/** One `<video>` that shows the session's stream, with sound as soon as the browser lets it. */
export class Player {
  readonly #stream: MediaStream;
  readonly #onBlocked: () => void;
  readonly #onFirstFrame: (atMs: number) => void;
  #video: HTMLVideoElement | null = null;

  constructor(stream: MediaStream, onBlocked: () => void, onFirstFrame: (atMs: number) => void) {
    this.#stream = stream;
    this.#onBlocked = onBlocked;
    this.#onFirstFrame = onFirstFrame;
  }

  attach(video: HTMLVideoElement): void {
    this.#video = video;
    video.playsInline = true;
    video.autoplay = true;
    video.srcObject = this.#stream;
    video.requestVideoFrameCallback((now) => {
      this.#onFirstFrame(now);
    });
  }

  /** Plays with sound; where the browser wants a gesture first, without, and says so. */
  async play(): Promise<void> {
    const video = this.#video;
    if (!video) return;
    try {
      await video.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      video.muted = true;
      this.#onBlocked();
      await video.play().catch(() => undefined);
    }
  }

  /** Sound on; call it from a user's gesture. */
  async unmute(): Promise<void> {
    if (!this.#video) return;
    this.#video.muted = false;
    await this.play();
  }

  framesPresented(): number {
    return this.#video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
  }

  detach(): void {
    if (this.#video) this.#video.srcObject = null;
    this.#video = null;
  }
}
