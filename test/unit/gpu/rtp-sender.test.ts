import { networkInterfaces } from 'node:os';
import type { VizaviError } from '@vizavi/signaling';
import { afterEach, describe, expect, it } from 'vitest';
import { AvEncoders } from '../../../gpu/src/av-encoder.ts';
import type { VideoCodec } from '../../../gpu/src/encoder.ts';
import { RtpSender } from '../../../gpu/src/rtp-sender.ts';
import type { ReceiverReport, RtpSenderOptions } from '../../../gpu/src/rtp-sender.ts';
import { AvDecoder } from '../../support/av-decoder.ts';
import { lumaPsnr, movingPicture, tone } from '../../support/pictures.ts';
import { depacketize, RtpReceiver } from '../../support/rtp-receiver.ts';

const VIDEO = { ssrc: 0x1111, payloadType: 102 };
const AUDIO = { ssrc: 0x2222, payloadType: 111 };
const WALL_MS = 1_700_000_000_000;
const FRAME = { data: Buffer.from('000000016588804001', 'hex'), keyFrame: true };
const PACKET = Buffer.from('7801ff', 'hex');

let nowMs = WALL_MS;
let receiver: RtpReceiver;
let sender: RtpSender;

async function open(options: Partial<RtpSenderOptions> = {}, codec: VideoCodec = 'h264'): Promise<void> {
  nowMs = WALL_MS;
  receiver = await RtpReceiver.open(options.remote?.ip);
  sender = await RtpSender.open({
    remote: { ip: '127.0.0.1', port: receiver.port },
    video: { codec, ...VIDEO },
    audio: AUDIO,
    cname: 'avatar',
    nowMs: () => nowMs,
    random: () => 0.999_999,
    ...options,
    ...(options.remote && { remote: { ...options.remote, port: receiver.port } }),
  });
}

afterEach(async () => {
  await sender.close();
  await receiver.close();
});

const ofStream = (ssrc: number): RtpReceiver['rtp'] => receiver.rtp.filter((packet) => packet.ssrc === ssrc);

/** The sender reports of a compound packet. */
function reportsIn(compound: Buffer): { ssrc: number; wallMs: number; timestamp: number }[] {
  const reports = [];
  for (let at = 0; at < compound.length; at += (compound.readUInt16BE(at + 2) + 1) * 4) {
    if (compound[at + 1] !== 200) continue;
    const seconds = compound.readUInt32BE(at + 8) - 2_208_988_800 + compound.readUInt32BE(at + 12) / 2 ** 32;
    reports.push({
      ssrc: compound.readUInt32BE(at + 4),
      wallMs: seconds * 1000,
      timestamp: compound.readUInt32BE(at + 16),
    });
  }
  return reports;
}

/** When, by a sender report, a packet's first sample or picture was due. */
function wallOf(timestamp: number, report: { wallMs: number; timestamp: number }, clockRate: number): number {
  return report.wallMs + (((timestamp - report.timestamp) | 0) * 1000) / clockRate;
}

describe.each<VideoCodec>(['h264', 'vp8'])('a session of %s and Opus', (codec) => {
  it('arrives whole and decodes to what was put in', async () => {
    await open({}, codec);
    const encoders = new AvEncoders();
    const video = await encoders.openVideo({
      codec,
      width: 320,
      height: 192,
      fps: 25,
      bitrateBps: 1_500_000,
    });
    const audio = await encoders.openAudio({ bitrateBps: 32_000 });
    const pictures = Array.from({ length: 25 }, (_, index) => movingPicture(320, 192, index));
    for (const [index, picture] of pictures.entries()) {
      sender.sendVideo(await video.encode(picture, { keyFrame: index === 12 }), index * 40);
      for (const half of [0, 1]) {
        const packet = await audio.encode(tone(220, 48_000, 960, (2 * index + half) * 960));
        sender.sendAudio(packet, index * 40 + half * 20);
      }
      nowMs += 40;
    }
    const { counters } = sender;
    await receiver.until(() => receiver.rtp.length === counters.video.packets + counters.audio.packets);

    const videoPackets = ofStream(VIDEO.ssrc);
    const audioPackets = ofStream(AUDIO.ssrc);
    expect(videoPackets.every(({ payload }) => payload.length <= 1200)).toBe(true);
    expect(videoPackets.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(counters.video.octets);
    for (const packets of [videoPackets, audioPackets]) {
      const first = packets[0]?.sequenceNumber as number;
      const numbers = packets.map(({ sequenceNumber }) => sequenceNumber);
      expect(numbers).toEqual(packets.map((_, index) => (first + index) & 0xffff));
    }
    const videoTimes = videoPackets.filter(({ marker }) => marker).map(({ timestamp }) => timestamp);
    expect(videoTimes).toEqual(pictures.map((_, index) => ((videoTimes[0] as number) + index * 3600) >>> 0));
    const audioTimes = audioPackets.map(({ timestamp }) => timestamp);
    expect(audioTimes).toEqual(audioTimes.map((_, index) => ((audioTimes[0] as number) + index * 960) >>> 0));

    const videoDecoder = await AvDecoder.open(codec);
    const frames = depacketize(codec, videoPackets);
    expect(frames).toHaveLength(pictures.length);
    for (const [index, frame] of frames.entries()) {
      const decoded = videoDecoder.decode(frame);
      expect(lumaPsnr(decoded.data, pictures[index] as Uint8Array, 320 * 192)).toBeGreaterThan(35);
      // BT.601 limited range: AVCOL_SPC_SMPTE170M (VP8 calls the same AVCOL_SPC_BT470BG), AVCOL_RANGE_MPEG.
      expect([decoded.colorSpace, decoded.colorRange]).toEqual([codec === 'h264' ? 6 : 5, 1]);
    }
    const audioDecoder = await AvDecoder.open('opus');
    const peaks = audioPackets.map(({ payload }) => peak(audioDecoder.decode(payload).data));
    for (const loudest of peaks.slice(1)) expect(Math.abs(loudest - 8000)).toBeLessThan(800);
    videoDecoder.close();
    audioDecoder.close();
    await Promise.all([video.close(), audio.close()]);
  });
});

describe('sender reports', () => {
  it('put both streams on one wall clock from the first packets on, however late they leave', async () => {
    await open();
    sender.sendAudio(PACKET, 400);
    nowMs += 7;
    sender.sendVideo(FRAME, 400);
    await receiver.until(() => receiver.rtcp.length === 2 && receiver.rtp.length === 2);
    const reports = reportsIn(receiver.rtcp[1] as Buffer);
    expect(reports.map(({ ssrc }) => ssrc)).toEqual([VIDEO.ssrc, AUDIO.ssrc]);
    for (const [ssrc, clockRate] of [
      [VIDEO.ssrc, 90_000],
      [AUDIO.ssrc, 48_000],
    ] as const) {
      const report = reports.find((candidate) => candidate.ssrc === ssrc);
      expect(report?.wallMs).toBeCloseTo(nowMs, 1);
      expect(wallOf(ofStream(ssrc)[0]?.timestamp as number, report as never, clockRate)).toBeCloseTo(
        WALL_MS,
        1,
      );
    }
    expect((receiver.rtcp[1] as Buffer).includes('avatar')).toBe(true);
  });

  it('come fast at first, so that a receiver soon trusts them, then every second', async () => {
    await open();
    for (let mediaTimeMs = 0; mediaTimeMs < 6000; mediaTimeMs += 20) {
      sender.sendAudio(PACKET, mediaTimeMs);
      nowMs += 20;
      await new Promise(setImmediate);
    }
    await receiver.until(() => receiver.rtp.length === 300);
    const timesMs = receiver.rtcp.map((compound) =>
      Math.round((reportsIn(compound)[0]?.wallMs ?? 0) - WALL_MS),
    );
    expect(timesMs).toEqual([0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000, 3000, 4000, 5000]);
  });
});

describe('feedback', () => {
  const word = (value: number): string => value.toString(16).padStart(8, '0');
  /** Sends feedback, and one report after it that tells when it has been read. */
  async function feedback(reports: ReceiverReport[], bytes: string): Promise<void> {
    const count = reports.length;
    receiver.reply(Buffer.from(bytes + `81c90007${word(9)}${word(AUDIO.ssrc)}${'00'.repeat(20)}`, 'hex'));
    while (reports.length === count) await new Promise(setImmediate);
  }
  const pli = (ssrc: number): string => `81ce0002${word(9)}${word(ssrc)}`;

  it('asks for one key frame when several requests come together', async () => {
    const reports: ReceiverReport[] = [];
    let requests = 0;
    await open({
      onReceiverReport: (report) => reports.push(report),
      onKeyFrameRequest: () => (requests += 1),
    });
    sender.sendVideo(FRAME, 0);
    await receiver.until(() => receiver.rtp.length === 1);
    const fir = `84ce0004${word(9)}${word(0)}${word(VIDEO.ssrc)}01000000`;
    await feedback(reports, pli(0x9999));
    expect(requests).toBe(0);
    await feedback(reports, pli(VIDEO.ssrc) + fir + pli(VIDEO.ssrc));
    expect(requests).toBe(1);
    nowMs += 100;
    await feedback(reports, fir);
    expect(requests).toBe(2);
  });

  it('tells loss, jitter and round trip', async () => {
    const reports: ReceiverReport[] = [];
    await open({ onReceiverReport: (report) => reports.push(report) });
    sender.sendVideo(FRAME, 0);
    await receiver.until(() => receiver.rtcp.length === 1);
    // The receiver answers after 250 ms; the answer is read 300 ms after the report.
    const lastReport = (receiver.rtcp[0] as Buffer).readUInt32BE(10);
    nowMs += 300;
    await feedback(
      reports,
      `81c90007${word(9)}${word(VIDEO.ssrc)}40000000${word(0)}${word(900)}${word(lastReport)}${word(0x4000)}`,
    );
    expect(reports[0]).toMatchObject({ kind: 'video', fractionLost: 0.25, jitterMs: 10 });
    expect(reports[0]?.roundTripMs).toBeCloseTo(50, 0);
    expect(reports[1]).toMatchObject({ kind: 'audio', roundTripMs: null });
  });

  it('sends lost packets again, and ignores requests for what it never sent', async () => {
    const reports: ReceiverReport[] = [];
    await open({ onReceiverReport: (report) => reports.push(report) });
    sender.sendVideo({ data: Buffer.concat([FRAME.data, Buffer.alloc(3000, 0xab)]), keyFrame: true }, 0);
    await receiver.until(() => receiver.rtp.length === 3);
    const lost = receiver.rtp[1];
    const entry = (lost?.sequenceNumber as number).toString(16).padStart(4, '0');
    await feedback(reports, `81cd0004${word(9)}${word(VIDEO.ssrc)}${entry}0000` + '00050000');
    await receiver.until(() => receiver.rtp.length === 4);
    expect(receiver.rtp[3]).toEqual(lost);
    expect(sender.counters).toMatchObject({ resentPackets: 1, video: { packets: 3 } });
  });
});

describe('the end of it', () => {
  it('says BYE and ignores what comes later', async () => {
    await open();
    sender.sendVideo(FRAME, 0);
    await Promise.all([sender.close(), sender.close()]);
    sender.sendVideo(FRAME, 40);
    sender.sendAudio(PACKET, 40);
    await receiver.until(() => receiver.rtcp.length === 2);
    const farewell = receiver.rtcp[1] as Buffer;
    expect(farewell.subarray(-8).toString('hex')).toBe('81cb0001' + '00001111');
    expect(receiver.rtp).toHaveLength(1);
    expect(sender.counters.video.packets).toBe(1);
  });

  it('reports a remote that is gone, throws nothing, and does not repeat itself', async () => {
    const errors: VizaviError[] = [];
    await open({ onError: (error) => errors.push(error) });
    await receiver.close();
    while (sender.counters.sendErrors < 3) {
      sender.sendAudio(PACKET, 0);
      await new Promise(setImmediate);
    }
    expect(errors.map(({ code }) => code)).toEqual(['media_failed']);
    nowMs += 1000;
    const { sendErrors } = sender.counters;
    while (sender.counters.sendErrors === sendErrors) {
      sender.sendAudio(PACKET, 0);
      await new Promise(setImmediate);
    }
    expect(errors).toHaveLength(2);
    receiver = await RtpReceiver.open();
  });

  it('refuses a remote that cannot be', async () => {
    await open();
    const options = { video: { codec: 'h264' as const, ...VIDEO }, audio: AUDIO, cname: 'avatar' };
    const opening = RtpSender.open({ ...options, remote: { ip: '127.0.0.1', port: 70_000 } });
    await expect(opening).rejects.toMatchObject({ code: 'media_failed' });
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
  it.skipIf(!hasIpv6)('speaks IPv6', async () => {
    await open({ remote: { ip: '::1', port: 0 } });
    sender.sendAudio(PACKET, 0);
    await receiver.until(() => receiver.rtp.length === 1);
    expect(receiver.rtp[0]?.payload).toEqual(PACKET);
  });
});

function peak(pcm: Buffer): number {
  return new Int16Array(pcm.buffer, pcm.byteOffset, pcm.length / 2).reduce(
    (a, b) => Math.max(a, Math.abs(b)),
    0,
  );
}
