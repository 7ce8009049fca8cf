import { describe, expect, it } from 'vitest';
import { JitterBuffer } from '../../../../server/src/ears/jitter-buffer.ts';
import type { SoundPacket } from '../../../../server/src/ears/jitter-buffer.ts';
import { seeded } from '../../../support/spoken.ts';

const SAMPLES = 960;

/** Packet `index` of a stream of 20 ms each. */
function packet(index: number, { ssrc = 1, first = 0, timestamp = 0 } = {}): SoundPacket {
  return {
    ssrc,
    sequenceNumber: (first + index) & 0xffff,
    rtpTimestamp: (timestamp + index * SAMPLES) >>> 0,
    payload: Uint8Array.of(index),
    samples: SAMPLES,
  };
}

/** What comes out, as `index` or `index!` behind a loss, when packets come as they stand here. */
function order(buffer: JitterBuffer, packets: readonly SoundPacket[]): string[] {
  return packets.flatMap((next) =>
    buffer.push(next).map(({ payload, follows }) => `${payload[0] ?? ''}${follows === 'loss' ? '!' : ''}`),
  );
}

const inOrder = (indices: readonly number[], start = {}): SoundPacket[] =>
  indices.map((index) => packet(index, start));

describe('JitterBuffer', () => {
  it('holds nothing back that comes in order', () => {
    const buffer = new JitterBuffer();
    for (let i = 0; i < 50; i += 1) expect(order(buffer, [packet(i)])).toEqual([`${i}`]);
  });

  it('puts packets in order that are late by less than 60 ms', () => {
    expect(order(new JitterBuffer(), inOrder([0, 2, 1, 3, 5, 6, 4, 7]))).toEqual('01234567'.split(''));
  });

  it('gives up what is late by 60 ms, goes on, and drops it when it comes', () => {
    const buffer = new JitterBuffer();
    expect(order(buffer, inOrder([0, 2, 3]))).toEqual(['0']);
    expect(order(buffer, inOrder([4, 5]))).toEqual(['2!', '3', '4', '5']);
    expect(order(buffer, inOrder([1, 6]))).toEqual(['6']);
  });

  it('drops what comes twice', () => {
    expect(order(new JitterBuffer(), inOrder([0, 1, 1, 3, 3, 2, 2, 0, 4]))).toEqual('01234'.split(''));
  });

  it('goes on over the wrap of numbers and timestamps', () => {
    const start = { first: 65_533, timestamp: 2 ** 32 - 2 * SAMPLES };
    expect(order(new JitterBuffer(), inOrder([0, 1, 3, 2, 4, 6, 5, 7], start))).toEqual('01234567'.split(''));
  });

  it('gives what it holds when nothing more comes', () => {
    const buffer = new JitterBuffer();
    order(buffer, inOrder([0, 3, 2]));
    expect(buffer.flush().map(({ payload, follows }) => [payload[0], follows])).toEqual([
      [2, 'loss'],
      [3, 'packet'],
    ]);
    expect(order(buffer, inOrder([4]))).toEqual(['4']);
  });

  it('follows a new source from its second packet on, and forgets the old one', () => {
    const buffer = new JitterBuffer();
    order(buffer, inOrder([0, 1]));
    expect(order(buffer, inOrder([20], { ssrc: 2, first: 5000 }))).toEqual([]);
    expect(order(buffer, inOrder([21, 22], { ssrc: 2, first: 5000 }))).toEqual(['20', '21', '22']);
    expect(order(buffer, inOrder([2]))).toEqual([]);
  });

  it('is not led astray by single packets of others, or far away', () => {
    const buffer = new JitterBuffer();
    const heard: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      heard.push(...order(buffer, [packet(i), packet(200, { ssrc: 100 + i }), packet(20_000 + 9 * i)]));
    }
    expect(heard).toEqual(Array.from({ length: 40 }, (_, index) => `${index}`));
  });

  it('never gives a packet twice or out of order, and nearly all of those that are late by up to 60 ms', () => {
    const random = seeded(3);
    for (let run = 0; run < 200; run += 1) {
      const buffer = new JitterBuffer();
      const sent = Array.from({ length: 200 }, (_, index) => ({ index, at: index + random() * 3 }))
        .filter(() => random() > 0.1)
        .sort((a, b) => a.at - b.at)
        .map(({ index }) => packet(index));
      let released = 0;
      let last = -1;
      for (const next of sent) {
        for (const { payload } of buffer.push(next)) {
          expect(payload[0]).toBeGreaterThan(last);
          last = payload[0]!;
          released += 1;
        }
      }
      expect(released + buffer.flush().length).toBeGreaterThan(sent.length * 0.95);
    }
  });

  it('holds only a few packets when their timestamps stand still', () => {
    const buffer = new JitterBuffer();
    let held = 0;
    for (let i = 0; i < 1000; i += 1) {
      held += 1 - buffer.push({ ...packet(2 * i), rtpTimestamp: 0 }).length;
      expect(held).toBeLessThanOrEqual(17);
    }
  });
});
