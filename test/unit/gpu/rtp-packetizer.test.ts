import { describe, expect, it } from 'vitest';
import { RtpPacketizer } from '../../../gpu/src/rtp-packetizer.ts';
import {
  H264Payloader,
  MAX_PAYLOAD_BYTES,
  OpusPayloader,
  Vp8Payloader,
} from '../../../gpu/src/rtp-payloaders.ts';
import type { Payloader } from '../../../gpu/src/rtp-payloaders.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const payloadsOf = (payloader: Payloader, frame: Buffer): Buffer[] =>
  payloader.payloads(frame).map((pieces) => Buffer.concat(pieces));

describe('H264Payloader', () => {
  it('sends one small unit as it is', () => {
    expect(payloadsOf(new H264Payloader(), hex('00000001 419a02')).map(String)).toEqual([
      String(hex('419a02')),
    ]);
  });

  it('puts parameter sets and a small picture into one STAP-A with the highest NRI', () => {
    const frame = hex('00000001 2742c01f 00000001 68ce3c 000001 258880');
    const [payload, ...more] = payloadsOf(new H264Payloader(), frame);
    expect(more).toEqual([]);
    expect(payload?.toString('hex')).toBe('78' + '0004' + '2742c01f' + '0003' + '68ce3c' + '0003' + '258880');
  });

  it('leaves out access unit delimiters and the zeros that belong to start codes', () => {
    const frame = hex('00000001 09f0 0000000001 419a02 000000');
    expect(payloadsOf(new H264Payloader(), frame).map((p) => p.toString('hex'))).toEqual(['419a02']);
  });

  it('sends a unit of the largest size whole, and one more byte as two fragments', () => {
    const unit = Buffer.alloc(MAX_PAYLOAD_BYTES, 0xab);
    unit[0] = 0x65;
    expect(payloadsOf(new H264Payloader(), Buffer.concat([hex('000001'), unit]))).toEqual([unit]);
    const larger = Buffer.concat([unit, hex('cd')]);
    const [first, second, ...more] = payloadsOf(new H264Payloader(), Buffer.concat([hex('000001'), larger]));
    expect(more).toEqual([]);
    // FU indicator: NRI 3, type 28. FU header: start or end bit, type 5.
    expect(first?.subarray(0, 2).toString('hex')).toBe('7c85');
    expect(second?.subarray(0, 2).toString('hex')).toBe('7c45');
    expect(first).toHaveLength(MAX_PAYLOAD_BYTES);
    expect(second?.toString('hex')).toBe('7c45' + 'ab' + 'cd');
  });

  it('marks neither start nor end on the fragments between', () => {
    const unit = Buffer.alloc(1 + 3 * (MAX_PAYLOAD_BYTES - 2), 0xab);
    unit[0] = 0x41;
    const payloads = payloadsOf(new H264Payloader(), Buffer.concat([hex('000001'), unit]));
    expect(payloads.map((payload) => payload.subarray(0, 2).toString('hex'))).toEqual([
      '5c81',
      '5c01',
      '5c41',
    ]);
    expect(Buffer.concat([unit.subarray(0, 1), ...payloads.map((payload) => payload.subarray(2))])).toEqual(
      unit,
    );
  });

  it('keeps the order of small and large units', () => {
    const large = Buffer.concat([hex('65'), Buffer.alloc(1500, 1)]);
    const frame = Buffer.concat([hex('000001 6742 000001 68ce 000001'), large, hex('000001 0601')]);
    const types = payloadsOf(new H264Payloader(), frame).map((payload) => (payload[0] as number) & 0x1f);
    expect(types).toEqual([24, 28, 28, 6]);
  });

  it('opens a new STAP-A rather than exceed the limit', () => {
    const unit = Buffer.concat([hex('000001 41'), Buffer.alloc(595, 1)]);
    const payloads = payloadsOf(new H264Payloader(), Buffer.concat([unit, unit, unit]));
    expect(payloads.map(({ length }) => length)).toEqual([1 + 2 * (2 + 596), 596]);
  });
});

describe('Vp8Payloader', () => {
  it('writes the 15-bit PictureID and marks the start of the frame only', () => {
    const frame = Buffer.alloc(MAX_PAYLOAD_BYTES, 0x5a);
    const [first, second, ...more] = payloadsOf(new Vp8Payloader(0x1234), frame);
    expect(more).toEqual([]);
    expect(first?.subarray(0, 5).toString('hex')).toBe('90' + '80' + '9234' + '5a');
    expect(second?.toString('hex')).toBe('80' + '80' + '9234' + '5a5a5a5a');
    expect(first).toHaveLength(MAX_PAYLOAD_BYTES);
  });

  it('wraps the PictureID after 32,767', () => {
    const payloader = new Vp8Payloader(0x7fff);
    const ids = [1, 2].map(() => payloadsOf(payloader, hex('00'))[0]?.readUInt16BE(2));
    expect(ids).toEqual([0xffff, 0x8000]);
  });
});

describe('RtpPacketizer', () => {
  it('writes the header, marks the last packet of a frame and wraps the sequence number', () => {
    const packetizer = new RtpPacketizer({
      ssrc: 0x11223344,
      payloadType: 102,
      payloader: new Vp8Payloader(0),
      firstSequenceNumber: 0xfffe,
    });
    const packets = packetizer.packetize(Buffer.alloc(3000), 0xfffffff0);
    const headers = packets.map((packet) => packet.subarray(0, 12).toString('hex'));
    expect(headers).toEqual([
      '80' + '66' + 'fffe' + 'fffffff0' + '11223344',
      '80' + '66' + 'ffff' + 'fffffff0' + '11223344',
      '80' + 'e6' + '0000' + 'fffffff0' + '11223344',
    ]);
    expect(packetizer.packetize(hex('00'), 7)[0]?.subarray(1, 8).toString('hex')).toBe(
      'e6' + '0001' + '00000007',
    );
  });

  it('sends an Opus packet as one RTP packet without the marker', () => {
    const options = { ssrc: 1, payloadType: 111, firstSequenceNumber: 5 };
    const packetizer = new RtpPacketizer({ ...options, payloader: new OpusPayloader() });
    const packets = packetizer.packetize(hex('7801ff'), 960);
    expect(packets.map((packet) => packet.toString('hex'))).toEqual(['806f0005000003c0000000017801ff']);
  });
});
