/** Video codecs that the workers can send. H.264 is constrained baseline, packetization mode 1. */
export type VideoCodec = 'h264' | 'vp8';

export interface VideoEncoderOptions {
  readonly codec: VideoCodec;
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly fps: number;
  readonly bitrateBps: number;
}

/** One encoded picture: an H.264 access unit (Annex B) or a VP8 frame. */
export interface EncodedFrame {
  readonly data: Buffer;
  readonly keyFrame: boolean;
}

/** Encodes one video stream with no delay: every frame that goes in comes out before the next one. */
export interface VideoEncoder {
  /**
   * Encodes one picture off the JS thread. `i420` holds Y, U and V one after another (width·height·1.5 bytes, BT.601
   * limited range) and must stay untouched until the promise settles. Calls must not overlap.
   *
   * @throws VizaviError `encoder_failed`
   */
  encode(i420: Uint8Array, options: { readonly keyFrame: boolean }): Promise<EncodedFrame>;
  /** Takes effect with the next frame. */
  setBitrate(bitrateBps: number): void;
  /** Waits for the frame in work, then frees the codec. */
  close(): Promise<void>;
}

/** Opus, 48 kHz mono, packets of 20 ms. */
export interface AudioEncoder {
  /**
   * 960 samples in, one packet out, off the JS thread. Calls may overlap: packets come in the order of the calls. `pcm`
   * must stay untouched until the promise settles; the packet is not to be written to.
   *
   * @throws VizaviError `encoder_failed`
   */
  encode(pcm: Int16Array): Promise<Buffer>;
  /** Waits for the packets in work, then frees the codec. */
  close(): Promise<void>;
}

/** Turns a mono stream of one rate into another; keeps its filter's history from call to call. */
export interface Resampler {
  /** Any number of samples in; what is ready comes out. */
  push(pcm: Int16Array): Int16Array;
  /** The samples still held back; afterwards the resampler is as new. */
  flush(): Int16Array;
  close(): void;
}

/** Where a worker's encoders come from; one implementation, `AvEncoders`, uses node-av. */
export interface Encoders {
  openVideo(options: VideoEncoderOptions): Promise<VideoEncoder>;
  openAudio(options: { readonly bitrateBps: number }): Promise<AudioEncoder>;
  openResampler(fromRate: number, toRate: number): Resampler;
}
