import { describe, expect, it } from 'vitest';
import { bye, compactNtp, parseRtcp, senderReport, sourceDescription } from '../../../gpu/src/rtcp.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('writing RTCP', () => {
  it('writes a sender report: NTP counts from 1900, in 2⁻³² s', () => {
    const report = senderReport({
      ssrc: 0x11223344,
      wallMs: 500.5 * 1000,
      rtpTimestamp: 0xdeadbeef,
      packets: 7,
      octets: 2 ** 32 + 9,
    });
    expect(report.toString('hex')).toBe(
      '80c80006' + '11223344' + '83aa8074' + '80000000' + 'deadbeef' + '00000007' + '00000009',
    );
    expect(compactNtp(500.5 * 1000)).toBe(0x80748000);
  });

  it.each([
    ['a', '01 61 00', 2],
    ['ab', '02 6162 00000000', 3],
    ['abcde', '05 6162636465 00', 3],
  ])('writes the CNAME %s with zeros up to the next word', (cname, item, words) => {
    const length = (2 * words).toString(16).padStart(4, '0');
    expect(sourceDescription([1, 2], cname)).toEqual(
      hex(`82ca${length} 00000001 01${item} 00000002 01${item}`),
    );
  });

  it('writes BYE', () => {
    expect(bye([1, 0xffffffff])).toEqual(hex('82cb0002 00000001 ffffffff'));
  });
});

describe('parseRtcp', () => {
  const PLI = '81ce0002 00000009 00000001';
  const REPORT_BLOCK = '00000001 40000002 00010007 00000384 80748000 00008000';

  it('reads a compound packet and leaves out what it does not know', () => {
    const receiverReport = `81c90007 00000009 ${REPORT_BLOCK}`;
    const fir = '84ce0004 00000009 00000000 00000001 05000000';
    const nack = '81cd0003 00000009 00000001 fffe8003';
    const remb = '8fce0005 00000009 00000000 52454d42 01000000 00000001';
    const description = '81ca0003 00000009 01026162 00000000';
    const compound = hex(receiverReport + description + remb + PLI + fir + nack);
    expect(parseRtcp(compound)).toEqual([
      {
        type: 'receiver_report',
        ssrc: 1,
        fractionLost: 0.25,
        jitter: 900,
        lastSenderReport: 0x80748000,
        delaySinceLastSenderReport: 0x8000,
      },
      { type: 'key_frame_request', ssrc: 1 },
      { type: 'key_frame_request', ssrc: 1 },
      { type: 'nack', ssrc: 1, sequenceNumbers: [0xfffe, 0xffff, 0, 14] },
    ]);
  });

  it('reads the report blocks of a sender report', () => {
    const report = hex(`81c8000c 00000009 ${'00'.repeat(20)} ${REPORT_BLOCK}`);
    expect(parseRtcp(report)).toMatchObject([{ type: 'receiver_report', ssrc: 1, fractionLost: 0.25 }]);
  });

  it.each([
    ['nothing', ''],
    ['less than a header', '81ce'],
    ['another version', '41ce0002 00000009 00000001'],
    ['a length beyond the end', '81ce0003 00000009 00000001'],
    ['no media SSRC', '81ce0001 00000009'],
    ['fewer blocks than it counts', `83c90001 00000009`],
  ])('makes nothing of %s', (_, bytes) => {
    expect(parseRtcp(hex(bytes))).toEqual([]);
  });

  it('keeps what stands before the malformed packet', () => {
    expect(parseRtcp(hex(`${PLI} 81ce00ff 00`))).toEqual([{ type: 'key_frame_request', ssrc: 1 }]);
  });

  it('survives any bytes', () => {
    let state = 1;
    for (let round = 0; round < 2000; round += 1) {
      const bytes = Buffer.alloc(64);
      for (let i = 0; i < bytes.length; i += 1) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        bytes[i] = state >>> 24;
      }
      bytes.set([0x80 | (round & 31), 200 + (round % 8), 0, round % 16]);
      expect(() => parseRtcp(bytes)).not.toThrow();
    }
  });
});
