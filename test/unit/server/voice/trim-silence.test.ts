import { describe, expect, it } from 'vitest';
import { trimSilence } from '../../../../server/src/voice/trim-silence.ts';

describe('trimSilence', () => {
  const silence = (ms: number): number[] => Array.from({ length: ms * 16 }, () => 0);
  const sound = (ms: number): number[] => Array.from({ length: ms * 16 }, () => 4000);

  it('leaves an edge around the sound and the pause asked for', () => {
    const pcm = trimSilence(Int16Array.from([...silence(200), ...sound(100), ...silence(300)]), 16_000, 250);
    expect(pcm.length / 16).toBe(10 + 100 + 40 + 250);
    expect(pcm.findIndex((sample) => sample !== 0) / 16).toBe(10);
  });

  it('keeps silence within', () => {
    const pcm = trimSilence(Int16Array.from([...sound(50), ...silence(100), ...sound(50)]), 16_000, 0);
    expect(pcm.length / 16).toBe(200);
  });

  it('makes nothing of silence', () => {
    expect(trimSilence(Int16Array.from(silence(500)), 16_000, 250)).toHaveLength(0);
    expect(trimSilence(new Int16Array(), 16_000, 250)).toHaveLength(0);
  });
});
