import { Backdrop, GRID } from './backdrop.ts';
import { MattePainter } from './matte-painter.ts';

type Source = HTMLVideoElement | HTMLImageElement;

/** The silhouette is found again with every second frame: a head moves little in 80 ms. */
const SILHOUETTE_EVERY = 2;
/** Where no wall was found, it is looked for again after so many frames. */
const LEARN_AGAIN_AFTER = 50;

/** A picture without the wall behind the person, in a canvas. */
export class Cutout {
  readonly #canvas: HTMLCanvasElement;
  readonly #painter: MattePainter;
  readonly #cells: CanvasRenderingContext2D;
  readonly #onShown: (isShown: boolean) => void;
  #backdrop: Backdrop | null = null;
  #video: HTMLVideoElement | null = null;
  #request = 0;
  #frames = 0;

  private constructor(
    canvas: HTMLCanvasElement,
    painter: MattePainter,
    cells: CanvasRenderingContext2D,
    onShown: (isShown: boolean) => void,
  ) {
    this.#canvas = canvas;
    this.#painter = painter;
    this.#cells = cells;
    this.#onShown = onShown;
  }

  /**
   * Null where the browser cannot do it. `onShown` tells whether the canvas shows a picture: the plain one is to be seen
   * as long as it does not.
   */
  static create(canvas: HTMLCanvasElement, onShown: (isShown: boolean) => void): Cutout | null {
    const painter = MattePainter.create(canvas);
    const small = Object.assign(canvas.ownerDocument.createElement('canvas'), { width: GRID, height: GRID });
    const cells = small.getContext('2d', { willReadFrequently: true });
    return painter && cells ? new Cutout(canvas, painter, cells, onShown) : null;
  }

  /** Draws every frame of this video from now on. */
  follow(video: HTMLVideoElement): void {
    this.#unfollow();
    this.#video = video;
    // What was learnt from a poster need not fit.
    this.#backdrop = null;
    this.#frames = 0;
    const onFrame = (): void => {
      this.#draw(video);
      this.#request = video.requestVideoFrameCallback(onFrame);
    };
    this.#request = video.requestVideoFrameCallback(onFrame);
  }

  /** Draws this still picture, which must be complete. */
  draw(image: HTMLImageElement): void {
    this.#unfollow();
    this.#backdrop = null;
    this.#frames = 0;
    this.#draw(image);
  }

  close(): void {
    this.#unfollow();
    this.#painter.close();
  }

  #unfollow(): void {
    this.#video?.cancelVideoFrameCallback(this.#request);
    this.#video = null;
  }

  #draw(source: Source): void {
    const [width, height] =
      'videoWidth' in source
        ? [source.videoWidth, source.videoHeight]
        : [source.naturalWidth, source.naturalHeight];
    if (width === 0 || height === 0) return;
    if (this.#canvas.width !== width || this.#canvas.height !== height)
      Object.assign(this.#canvas, { width, height });
    try {
      if (this.#frames % SILHOUETTE_EVERY === 0) this.#look(source);
      this.#frames += 1;
      if (this.#backdrop) this.#painter.paint(source);
      this.#onShown(this.#backdrop !== null && !this.#painter.isLost);
    } catch {
      // A picture of another site that does not let itself be read.
      this.#onShown(false);
    }
  }

  #look(source: Source): void {
    this.#cells.drawImage(source, 0, 0, GRID, GRID);
    const { data } = this.#cells.getImageData(0, 0, GRID, GRID);
    if (!this.#backdrop && this.#frames % LEARN_AGAIN_AFTER === 0) this.#backdrop = Backdrop.learn(data);
    if (!this.#backdrop) return;
    this.#painter.setSilhouette(this.#backdrop.silhouette(data));
    this.#painter.setWall(this.#backdrop.plate);
  }
}
