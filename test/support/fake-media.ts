import { VizaviError } from '@vizavi/signaling';
import type {
  ConsumerInfo,
  Ingest,
  Media,
  MediaEvents,
  Microphone,
  Ortc,
  TransportInfo,
  ViewerMedia,
} from '../../server/src/media.ts';

/** The SFU of one session, without one: what stands, what is closed and what has to be consumed again. */
export class FakeMedia implements Media {
  readonly rtpCapabilities: Ortc = { codecs: [] };
  readonly events: MediaEvents;
  readonly viewers: FakeViewerMedia[] = [];
  readonly microphones: FakeMicrophone[] = [];
  closed = false;
  /** Raised with each new way in. */
  ways = 1;
  readonly #port: number;

  constructor(events: MediaEvents, port: number) {
    this.events = events;
    this.#port = port;
  }

  get ingest(): Ingest {
    return {
      remote: { ip: '127.0.0.1', port: this.#port + this.ways },
      video: { ssrc: 1000 + this.ways, payloadType: 102 },
      audio: { ssrc: 2000 + this.ways, payloadType: 111 },
      cname: 'test',
    };
  }

  replaceIngest(): Promise<void> {
    this.ways += 1;
    for (const viewer of this.viewers) viewer.endConsumers();
    return Promise.resolve();
  }

  async addViewer(onChange: () => void): Promise<ViewerMedia> {
    await new Promise((resolve) => setImmediate(resolve));
    const viewer = new FakeViewerMedia(`t${this.#port}-${this.viewers.length}`, onChange);
    this.viewers.push(viewer);
    return viewer;
  }

  addMicrophone(onPacket: (rtp: Uint8Array) => void): Promise<Microphone> {
    const microphone = new FakeMicrophone(`m${this.microphones.length}`, onPacket);
    this.microphones.push(microphone);
    return Promise.resolve(microphone);
  }

  close(): void {
    this.closed = true;
    for (const viewer of this.viewers) viewer.close();
    for (const microphone of this.microphones) microphone.close();
  }

  /** As when the mediasoup worker is killed. */
  die(): void {
    this.close();
    this.events.onDied();
  }
}

export class FakeViewerMedia implements ViewerMedia {
  readonly transport: TransportInfo;
  readonly #onChange: () => void;
  closed = false;
  #consumed = false;
  #resumed = false;

  constructor(id: string, onChange: () => void) {
    this.transport = { id, iceParameters: {}, iceCandidates: [], dtlsParameters: {} };
    this.#onChange = onChange;
  }

  get watching(): boolean {
    return this.#resumed && !this.closed;
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  consume(): Promise<ConsumerInfo[]> {
    this.#consumed = true;
    this.#resumed = false;
    const kinds = ['video', 'audio'] as const;
    return Promise.resolve(kinds.map((kind) => ({ id: kind, producerId: kind, kind, rtpParameters: {} })));
  }

  resume(): Promise<void> {
    if (!this.#consumed)
      return Promise.reject(new VizaviError('invalid_state', 'there is nothing to resume'));
    this.#resumed = true;
    return Promise.resolve();
  }

  restartIce(): Promise<Ortc> {
    return Promise.resolve({ usernameFragment: 'again' });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onChange();
  }

  endConsumers(): void {
    this.#consumed = false;
    this.#resumed = false;
  }
}

export class FakeMicrophone implements Microphone {
  readonly transport: TransportInfo;
  /** Sends a packet, as a browser would. */
  readonly send: (rtp: Uint8Array) => void;
  closed = false;

  constructor(id: string, onPacket: (rtp: Uint8Array) => void) {
    this.transport = { id, iceParameters: {}, iceCandidates: [], dtlsParameters: {} };
    this.send = onPacket;
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  produce(): Promise<string> {
    return Promise.resolve('microphone');
  }

  close(): void {
    this.closed = true;
  }
}
