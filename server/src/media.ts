/** An ORTC dictionary on its way between mediasoup and mediasoup-client; nobody between them looks inside. */
export type Ortc = Record<string, unknown>;

interface RtpStream {
  readonly ssrc: number;
  readonly payloadType: number;
}

/** Where a GPU worker sends a session's RTP, in the words of `slot.open`. */
export interface Ingest {
  readonly remote: { readonly ip: string; readonly port: number };
  readonly video: RtpStream;
  readonly audio: RtpStream;
  readonly cname: string;
}

export interface ConsumerInfo {
  id: string;
  producerId: string;
  kind: 'audio' | 'video';
  rtpParameters: Ortc;
}

export interface TransportInfo {
  id: string;
  iceParameters: Ortc;
  iceCandidates: Ortc[];
  dtlsParameters: Ortc;
}

/** What one viewer receives through. All methods throw VizaviError. */
export interface ViewerMedia {
  readonly transport: TransportInfo;
  /** True once this cannot carry anything again: closed, DTLS over, or the router gone. */
  readonly closed: boolean;
  /** True while the viewer has resumed its streams and can be reached. */
  readonly watching: boolean;
  /** @throws VizaviError `invalid_message`, `invalid_state` */
  connect(dtlsParameters: Ortc): Promise<void>;
  /** Both streams, paused; earlier ones end. @throws VizaviError `unsupported_device` when they cannot be played */
  consume(rtpCapabilities: Ortc): Promise<ConsumerInfo[]>;
  /** @throws VizaviError `invalid_state` before `consume` */
  resume(): Promise<void>;
  restartIce(): Promise<Ortc>;
  close(): void;
}

/** What one viewer's microphone comes in through. All methods throw VizaviError. */
export interface Microphone {
  readonly transport: TransportInfo;
  readonly closed: boolean;
  /** @throws VizaviError `invalid_message`, `invalid_state` */
  connect(dtlsParameters: Ortc): Promise<void>;
  /** From now on its packets arrive. Returns the producer's id. @throws VizaviError `invalid_message`, `invalid_state` */
  produce(rtpParameters: Ortc): Promise<string>;
  close(): void;
}

export interface MediaEvents {
  /** How much video the worst viewer's network takes. */
  readonly onBitrate: (bitrateBps: number) => void;
  /** The mediasoup worker under this media has died; everything here is closed. */
  readonly onDied: () => void;
}

/** The SFU of one session: one way in, one way out for each viewer. */
export interface Media {
  readonly closed: boolean;
  readonly rtpCapabilities: Ortc;
  readonly ingest: Ingest;
  /** A fresh way in, on another port, with other SSRCs; viewers have to consume again. */
  replaceIngest(): Promise<void>;
  /** @param onChange told when `watching` or `closed` may have changed */
  addViewer(onChange: () => void): Promise<ViewerMedia>;
  /** @param onPacket told each RTP packet of the microphone: Opus, RFC 7587 */
  addMicrophone(onPacket: (rtp: Uint8Array) => void): Promise<Microphone>;
  close(): void;
}

export type CreateMedia = (events: MediaEvents) => Promise<Media>;
