import { VizaviError } from '@vizavi/signaling';

export interface MicrophoneOptions {
  readonly open: (constraints: MediaTrackConstraints) => Promise<MediaStreamTrack>;
  /** Another track takes the place of the one before. */
  readonly onTrack: (track: MediaStreamTrack) => void;
  readonly onChange: () => void;
  /** The device is gone and there is no other. */
  readonly onLost: (error: VizaviError) => void;
}

const CLEAN = {
  // The avatar's own voice must not come back as the visitor's.
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: 1,
} as const;
const MISSING = ['NotFoundError', 'OverconstrainedError', 'NotSupportedError', 'TypeError'];

/** A microphone of this computer: opened, muted, changed for another one, lost. */
export class Microphone {
  readonly #options: MicrophoneOptions;
  #track: MediaStreamTrack | null = null;
  #deviceId: string | null = null;
  #isMuted = false;
  /** Silent between two pushes of the talk button. */
  #isHeldBack = false;
  #opening = 0;

  constructor(options: MicrophoneOptions) {
    this.#options = options;
  }

  get track(): MediaStreamTrack | null {
    return this.#track;
  }

  get isOpen(): boolean {
    return this.#track !== null;
  }

  get isMuted(): boolean {
    return this.#isMuted;
  }

  /** @throws VizaviError `forbidden` when the person refuses, `unsupported_device` when there is none */
  async open(): Promise<MediaStreamTrack> {
    return this.#track ?? (await this.#take(this.#deviceId));
  }

  /**
   * Uses this device, now or once it is opened; null is the browser's choice.
   *
   * @throws VizaviError as `open`; the device before stays in use then
   */
  async setDevice(deviceId: string | null): Promise<void> {
    if (this.#track) await this.#take(deviceId);
    this.#deviceId = deviceId;
  }

  mute(isMuted: boolean): void {
    if (this.#isMuted === isMuted) return;
    this.#isMuted = isMuted;
    this.#apply();
    this.#options.onChange();
  }

  holdBack(isHeldBack: boolean): void {
    this.#isHeldBack = isHeldBack;
    this.#apply();
  }

  close(): void {
    this.#opening += 1;
    if (!this.#track) return;
    this.#drop();
    this.#options.onChange();
  }

  async #take(deviceId: string | null): Promise<MediaStreamTrack> {
    const opening = ++this.#opening;
    const track = await this.#options
      .open(deviceId === null ? CLEAN : { ...CLEAN, deviceId: { exact: deviceId } })
      .catch((error: unknown) => {
        throw asVizaviError(error);
      });
    if (opening !== this.#opening) {
      track.stop();
      throw new VizaviError('interrupted', 'the microphone was closed meanwhile');
    }
    const wasOpen = this.#track !== null;
    this.#drop();
    this.#track = track;
    track.addEventListener('ended', this.#onEnded);
    this.#apply();
    if (wasOpen) this.#options.onTrack(track);
    else this.#options.onChange();
    return track;
  }

  /** The device was pulled out, or taken away by the browser: the next best one goes on. */
  readonly #onEnded = (): void => {
    this.#deviceId = null;
    this.#take(null).catch((error: unknown) => {
      if (VizaviError.from(error).code === 'interrupted') return;
      this.close();
      this.#options.onLost(VizaviError.from(error));
    });
  };

  #apply(): void {
    if (this.#track) this.#track.enabled = !this.#isMuted && !this.#isHeldBack;
  }

  #drop(): void {
    this.#track?.removeEventListener('ended', this.#onEnded);
    this.#track?.stop();
    this.#track = null;
  }
}

function asVizaviError(cause: unknown): VizaviError {
  const { name = '' } = cause as { name?: string };
  if (name === 'NotAllowedError' || name === 'SecurityError')
    return new VizaviError('forbidden', 'the microphone may not be used here', { cause });
  if (MISSING.includes(name))
    return new VizaviError('unsupported_device', 'there is no such microphone', { cause });
  return new VizaviError('unsupported_device', 'the microphone could not be opened', {
    cause,
    retryable: true,
  });
}
