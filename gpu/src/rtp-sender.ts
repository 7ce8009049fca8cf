import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { VizaviError } from '@vizavi/signaling';
import type { EncodedFrame, VideoCodec } from './encoder.ts';
import { bye, compactNtp, parseRtcp, sourceDescription } from './rtcp.ts';
import type { RtcpFeedback } from './rtcp.ts';
import { H264Payloader, OpusPayloader, Vp8Payloader } from './rtp-payloaders.ts';
import { RtpStream } from './rtp-stream.ts';

const VIDEO_CLOCK_RATE = 90_000;
const AUDIO_CLOCK_RATE = 48_000;
/** Receivers need a few sender reports before they align the streams, so the first ones come fast. */
const EARLY_REPORTS_MS = 2000;
const EARLY_REPORT_INTERVAL_MS = 200;
const REPORT_INTERVAL_MS = 1000;
/** Several receivers that miss the same frame ask at the same time. */
const KEY_FRAME_REQUEST_WINDOW_MS = 100;
/** A dead remote fails every other packet; saying it once a second is enough. */
const ERROR_REPORT_INTERVAL_MS = 1000;

export interface RtpSenderOptions {
  /** Takes RTP and RTCP on one port (RFC 5761). */
  readonly remote: { readonly ip: string; readonly port: number };
  readonly video: { readonly codec: VideoCodec; readonly ssrc: number; readonly payloadType: number };
  readonly audio: { readonly ssrc: number; readonly payloadType: number };
  readonly cname: string;
  /** Unix time that runs steadily; the default is this process's monotonic clock. */
  readonly nowMs?: () => number;
  /** 0 ≤ n < 1. */
  readonly random?: () => number;
  /** The receiver needs a key frame; at most one call in 100 ms. */
  readonly onKeyFrameRequest?: () => void;
  readonly onReceiverReport?: (report: ReceiverReport) => void;
  /** `media_failed`, at most once a second; sending goes on. */
  readonly onError?: (error: VizaviError) => void;
}

export interface ReceiverReport {
  readonly kind: 'video' | 'audio';
  /** Since the last report, 0–1. */
  readonly fractionLost: number;
  readonly jitterMs: number;
  /** null until the receiver has answered a sender report. */
  readonly roundTripMs: number | null;
}

export interface RtpSenderCounters {
  readonly video: StreamCounters;
  readonly audio: StreamCounters;
  readonly resentPackets: number;
  readonly sendErrors: number;
}

export interface StreamCounters {
  readonly packets: number;
  /** Payload bytes. */
  readonly octets: number;
}

/**
 * Sends one session's picture and sound to the SFU through one UDP socket. Both streams take their RTP timestamps from
 * one media timeline and their sender reports from one clock: media time 0 is at `wallStartMs`, which the first packet
 * sets. That is what a receiver aligns lips and voice by.
 */
export class RtpSender {
  readonly #options: RtpSenderOptions;
  readonly #socket: Socket;
  readonly #video: RtpStream;
  readonly #audio: RtpStream;
  readonly #nowMs: () => number;
  #wallStartMs: number | null = null;
  #firstReportMs = Infinity;
  #nextReportMs = -Infinity;
  #lastKeyFrameRequestMs = -Infinity;
  #lastErrorMs = -Infinity;
  #resentPackets = 0;
  #sendErrors = 0;
  #closed: Promise<void> | null = null;

  private constructor(options: RtpSenderOptions, socket: Socket) {
    const { video, audio, random = Math.random } = options;
    this.#options = options;
    this.#socket = socket;
    this.#nowMs = options.nowMs ?? (() => performance.timeOrigin + performance.now());
    const payloader = video.codec === 'h264' ? new H264Payloader() : new Vp8Payloader(random() * 2 ** 15);
    this.#video = new RtpStream({ ...video, clockRate: VIDEO_CLOCK_RATE, payloader, random });
    this.#audio = new RtpStream({
      ...audio,
      clockRate: AUDIO_CLOCK_RATE,
      payloader: new OpusPayloader(),
      random,
    });
    socket.on('message', (data) => {
      for (const feedback of parseRtcp(data)) this.#onFeedback(feedback);
    });
    socket.on('error', this.#onSent);
  }

  /** @throws VizaviError `media_failed` */
  static async open(options: RtpSenderOptions): Promise<RtpSender> {
    const { ip, port } = options.remote;
    const socket = createSocket(isIPv6(ip) ? 'udp6' : 'udp4');
    try {
      // Connected: the kernel drops what others send here and tells when nobody listens there.
      socket.connect(port, ip);
      await once(socket, 'connect');
    } catch (cause) {
      socket.close();
      throw new VizaviError('media_failed', `Media cannot be sent to ${ip}, port ${port}.`, { cause });
    }
    return new RtpSender(options, socket);
  }

  get counters(): RtpSenderCounters {
    return {
      video: { packets: this.#video.packets, octets: this.#video.octets },
      audio: { packets: this.#audio.packets, octets: this.#audio.octets },
      resentPackets: this.#resentPackets,
      sendErrors: this.#sendErrors,
    };
  }

  /** All packets of the frame at once; `mediaTimeMs` counts from the start of the session's timeline. */
  sendVideo(frame: EncodedFrame, mediaTimeMs: number): void {
    this.#sendFrame(this.#video, frame.data, mediaTimeMs);
  }

  sendAudio(packet: Buffer, mediaTimeMs: number): void {
    this.#sendFrame(this.#audio, packet, mediaTimeMs);
  }

  /** Says BYE and frees the socket; what is sent afterwards is ignored. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const started = this.#startedStreams();
    if (started.length > 0) {
      const farewell = [...this.#reports(started), bye(started.map(({ ssrc }) => ssrc))];
      await new Promise((resolve) => {
        this.#socket.send(farewell, resolve);
      });
    }
    await new Promise<void>((resolve) => {
      this.#socket.close(resolve);
    });
  }

  #sendFrame(stream: RtpStream, frame: Buffer, mediaTimeMs: number): void {
    if (this.#closed) return;
    const nowMs = this.#nowMs();
    this.#wallStartMs ??= nowMs - mediaTimeMs;
    const firstOfStream = stream.packets === 0;
    for (const packet of stream.packetize(frame, mediaTimeMs)) this.#socket.send(packet, this.#onSent);
    if (firstOfStream || nowMs >= this.#nextReportMs) this.#sendReports();
  }

  /** Streams that a report can speak of: a receiver knows none before its first packet. */
  #startedStreams(): RtpStream[] {
    return [this.#video, this.#audio].filter((stream) => stream.packets > 0);
  }

  #sendReports(): void {
    const started = this.#startedStreams();
    if (started.length === 0) return;
    const nowMs = this.#nowMs();
    this.#firstReportMs = Math.min(this.#firstReportMs, nowMs);
    const early = nowMs - this.#firstReportMs < EARLY_REPORTS_MS;
    this.#nextReportMs = nowMs + (early ? EARLY_REPORT_INTERVAL_MS : REPORT_INTERVAL_MS);
    this.#socket.send(this.#reports(started), this.#onSent);
  }

  /** One compound packet for all streams, as of now. */
  #reports(streams: readonly RtpStream[]): Buffer[] {
    const nowMs = this.#nowMs();
    const mediaTimeMs = nowMs - (this.#wallStartMs ?? nowMs);
    const reports = streams.map((stream) => stream.report(nowMs, mediaTimeMs));
    const ssrcs = streams.map(({ ssrc }) => ssrc);
    return [...reports, sourceDescription(ssrcs, this.#options.cname)];
  }

  #onFeedback(feedback: RtcpFeedback): void {
    const stream = [this.#video, this.#audio].find(({ ssrc }) => ssrc === feedback.ssrc);
    if (!stream || this.#closed) return;
    if (feedback.type === 'nack') this.#resend(stream, feedback.sequenceNumbers);
    else if (feedback.type === 'key_frame_request') this.#onKeyFrameRequest(stream);
    else this.#onReceiverReport(stream, feedback);
  }

  #resend(stream: RtpStream, sequenceNumbers: readonly number[]): void {
    for (const sequenceNumber of sequenceNumbers) {
      const packet = stream.recall(sequenceNumber);
      if (!packet) continue;
      this.#resentPackets += 1;
      this.#socket.send(packet, this.#onSent);
    }
  }

  #onKeyFrameRequest(stream: RtpStream): void {
    const nowMs = this.#nowMs();
    if (stream !== this.#video || nowMs - this.#lastKeyFrameRequestMs < KEY_FRAME_REQUEST_WINDOW_MS) return;
    this.#lastKeyFrameRequestMs = nowMs;
    this.#options.onKeyFrameRequest?.();
  }

  #onReceiverReport(stream: RtpStream, report: RtcpFeedback & { readonly type: 'receiver_report' }): void {
    this.#options.onReceiverReport?.({
      kind: stream === this.#video ? 'video' : 'audio',
      fractionLost: report.fractionLost,
      jitterMs: (report.jitter * 1000) / stream.clockRate,
      roundTripMs: this.#roundTripMs(report.lastSenderReport, report.delaySinceLastSenderReport),
    });
  }

  /** RFC 3550, 6.4.1; times in 1/65,536 s modulo 2³². */
  #roundTripMs(lastSenderReport: number, delay: number): number | null {
    if (lastSenderReport === 0) return null;
    // Signed: on a fast path rounding can make it a little less than nothing.
    const roundTrip = (compactNtp(this.#nowMs()) - lastSenderReport - delay) | 0;
    return (Math.max(0, roundTrip) * 1000) / 65_536;
  }

  readonly #onSent = (cause: Error | null): void => {
    if (!cause) return;
    this.#sendErrors += 1;
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastErrorMs < ERROR_REPORT_INTERVAL_MS) return;
    this.#lastErrorMs = nowMs;
    const { ip, port } = this.#options.remote;
    const message = `Media does not get through to ${ip}, port ${port}.`;
    this.#options.onError?.(new VizaviError('media_failed', message, { cause }));
  };
}
