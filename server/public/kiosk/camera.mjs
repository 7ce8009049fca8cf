import { HEIGHT, PERIOD_MS, PresenceDetector, Stay, WIDTH } from './presence.mjs';

const RETRY_MS = 30_000;
const SIXTEENTHS = 16;

/** Notices by camera who comes and goes. Pictures are looked at here and forgotten: none is kept, none is sent. */
export class PresenceCamera {
  #options;
  #video = document.createElement('video');
  #canvas = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d', { willReadFrequently: true });
  #stream = null;
  #timer = 0;
  #wanted = false;
  #faces = null;
  #stay = null;
  #motion = null;

  /** @param {{ onEvent: (event: 'came' | 'left') => void, onState: (isOn: boolean, error?: string) => void }} options */
  constructor(options) {
    this.#options = options;
    this.#video.muted = true;
    this.#video.playsInline = true;
  }

  get isPresent() {
    return (this.#faces ? this.#stay : this.#motion)?.isPresent ?? false;
  }

  set isWanted(isWanted) {
    if (this.#wanted === isWanted) return;
    this.#wanted = isWanted;
    if (isWanted) void this.#open();
    else this.#close();
  }

  async #open() {
    clearTimeout(this.#timer);
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { width: 320, height: 240, frameRate: { max: 10 } },
      });
      if (!this.#wanted) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.#stream = stream;
      stream.getVideoTracks()[0]?.addEventListener('ended', () => this.#lost('camera_lost'));
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#faces = typeof FaceDetector === 'function' ? new FaceDetector({ fastMode: true }) : null;
      this.#stay = new Stay();
      this.#motion = new PresenceDetector();
      this.#options.onState(true);
      this.#look();
    } catch (error) {
      this.#lost(error.name === 'NotAllowedError' ? 'camera_refused' : 'camera_failed');
    }
  }

  #close() {
    clearTimeout(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = this.#video.srcObject = this.#stay = this.#motion = null;
    this.#canvas.clearRect(0, 0, WIDTH, HEIGHT);
    this.#options.onState(false);
  }

  #lost(code) {
    this.#close();
    if (!this.#wanted) return;
    this.#options.onState(false, code);
    this.#timer = setTimeout(() => void this.#open(), RETRY_MS);
  }

  async #look() {
    const event = await this.#see().catch(() => {
      // A detector that is only there in name.
      this.#faces = null;
      return null;
    });
    if (!this.#stream) return;
    if (event) this.#options.onEvent(event);
    this.#timer = setTimeout(() => void this.#look(), PERIOD_MS);
  }

  async #see() {
    if (this.#faces) {
      const [face] = await this.#faces.detect(this.#video);
      const { x = 0, width = 0 } = face?.boundingBox ?? {};
      return this.#stay?.push(face ? ((x + width / 2) / this.#video.videoWidth) * SIXTEENTHS : null) ?? null;
    }
    this.#canvas.drawImage(this.#video, 0, 0, WIDTH, HEIGHT);
    const { data } = this.#canvas.getImageData(0, 0, WIDTH, HEIGHT);
    const grey = new Uint8Array(WIDTH * HEIGHT);
    for (let at = 0; at < grey.length; at += 1) {
      grey[at] = 0.3 * data[4 * at] + 0.59 * data[4 * at + 1] + 0.11 * data[4 * at + 2];
    }
    return this.#motion?.push(grey) ?? null;
  }
}
