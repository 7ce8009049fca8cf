import { beforeEach, describe, expect, it } from 'vitest';
import { AudioQueue } from '../../../gpu/src/audio-queue.ts';
import type { AudioBlock } from '../../../gpu/src/audio-queue.ts';
import type { Resampler } from '../../../gpu/src/encoder.ts';

let opened = 0;

/** Holds `delay` samples back until it is flushed, as a filter does. */
function delaying(delay: number) {
  return (from: number, to: number): Resampler => {
    opened += 1;
    const held: number[] = [];
    return {
      push: (pcm) => {
        held.push(
          ...Array.from(
            { length: Math.round((pcm.length * to) / from) },
            (_, i) => pcm[Math.floor((i * from) / to)] ?? 0,
          ),
        );
        return Int16Array.from(held.splice(0, Math.max(0, held.length - delay)));
      },
      flush: () => Int16Array.from(held.splice(0)),
      close: () => {
        opened -= 1;
      },
    };
  };
}

let queue: AudioQueue;
beforeEach(() => {
  opened = 0;
  queue = new AudioQueue({ modelRate: 16_000, samplesPerFrame: 640, openResampler: delaying(32) });
});

function drain(): AudioBlock[] {
  const blocks: AudioBlock[] = [];
  for (let block = queue.shift(); block; block = queue.shift()) blocks.push(block);
  return blocks;
}

describe('AudioQueue', () => {
  it('cuts pieces of any size into blocks of one frame period and loses nothing', () => {
    const pcm = Int16Array.from({ length: 5000 }, (_, index) => index - 2500);
    for (let at = 0; at < pcm.length; at += 333) {
      queue.push('a', 16_000, pcm.subarray(at, at + 333), at + 333 >= pcm.length);
    }
    const blocks = drain();
    expect(blocks).toHaveLength(8);
    const heard = blocks.flatMap((block) => [...block.model].map((value) => Math.round(value * 32_768)));
    expect(heard.slice(0, 5000)).toEqual([...pcm]);
    expect(heard.slice(5000).every((value) => value === 0)).toBe(true);
    expect(blocks.every((block) => block.wire.length === 1920)).toBe(true);
    expect(blocks.map((block) => block.first)).toEqual([true, ...Array<boolean>(7).fill(false)]);
    expect(blocks.map((block) => block.last)).toEqual([...Array<boolean>(7).fill(false), true]);
    // 5000 samples are 312.5 ms: the padding is not counted as heard.
    expect(blocks.at(-1)?.endMs).toBe(312.5);
  });

  it.each([8000, 22_050, 24_000, 44_100, 48_000])('takes %i Hz', (rate) => {
    queue.push('a', rate, new Int16Array(rate).fill(1000), true);
    expect(drain()).toHaveLength(25);
  });

  it('keeps utterances apart and closes one that the next one overtakes', () => {
    queue.push('a', 16_000, new Int16Array(700), false);
    queue.push('b', 16_000, new Int16Array(640), true);
    expect(drain().map((block) => [block.utteranceId, block.first, block.last])).toEqual([
      ['a', true, false],
      ['a', false, true],
      ['b', true, true],
    ]);
    expect(queue.open).toBe(false);
  });

  it('gives even an empty utterance a beginning and an end', () => {
    queue.push('a', 16_000, new Int16Array(0), true);
    expect(drain()).toMatchObject([{ utteranceId: 'a', first: true, last: true, endMs: 0 }]);
  });

  it('forgets everything and leaks no resampler', () => {
    queue.push('a', 16_000, new Int16Array(2000), false);
    queue.clear();
    expect(queue.available).toBe(0);
    expect(queue.open).toBe(false);
    expect(opened).toBe(0);
  });
});
