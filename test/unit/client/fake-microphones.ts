/** A microphone's track as the browser gives it. */
export class FakeTrack extends EventTarget {
  readonly deviceId: string;
  readyState: 'live' | 'ended' = 'live';
  enabled = true;

  constructor(deviceId: string) {
    super();
    this.deviceId = deviceId;
  }

  stop(): void {
    this.readyState = 'ended';
  }

  /** The device was pulled out. */
  unplug(): void {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

/** This computer's microphones, and the person who is asked for them. */
export class FakeMicrophones {
  devices = ['built-in'];
  /** Set: what the browser throws instead. */
  refusal: string | null = null;
  /** Settles when the person has answered the browser's question. */
  answered: Promise<void> = Promise.resolve();
  readonly asked: MediaTrackConstraints[] = [];
  readonly tracks: FakeTrack[] = [];

  async open(constraints: MediaTrackConstraints): Promise<MediaStreamTrack> {
    this.asked.push(constraints);
    await this.answered;
    if (this.refusal) throw new DOMException('refused', this.refusal);
    const wanted = (constraints.deviceId as { exact?: string } | undefined)?.exact ?? this.devices[0];
    if (wanted === undefined) throw new DOMException('none', 'NotFoundError');
    if (!this.devices.includes(wanted)) throw new DOMException('none', 'OverconstrainedError');
    const track = new FakeTrack(wanted);
    this.tracks.push(track);
    return track as unknown as MediaStreamTrack;
  }

  /** Tracks whose device is in use: its light is on. */
  get live(): FakeTrack[] {
    return this.tracks.filter(({ readyState }) => readyState === 'live');
  }
}
