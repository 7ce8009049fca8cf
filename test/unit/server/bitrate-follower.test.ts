import { beforeEach, expect, it } from 'vitest';
import { BitrateFollower } from '../../../server/src/bitrate-follower.ts';

let nowMs: number;
let chosen: number[];
let follower: BitrateFollower;
beforeEach(() => {
  nowMs = 0;
  chosen = [];
  follower = new BitrateFollower(
    800_000,
    () => nowMs,
    (bitrateBps) => chosen.push(bitrateBps),
  );
});

it('stays at the most while every network takes it', () => {
  follower.report('a', 1_500_000);
  expect(chosen).toEqual([]);
});

it('follows the worst viewer, with room to spare', () => {
  follower.report('a', 600_000);
  nowMs = 1000;
  follower.report('b', 400_000);
  expect(chosen).toEqual([540_000, 360_000]);
  follower.forget('b');
  expect(chosen).toEqual([540_000, 360_000, 540_000]);
  follower.forget('a');
  expect(chosen.at(-1)).toBe(800_000);
});

it('does not follow every tremble, nor more than once a second', () => {
  follower.report('a', 600_000);
  nowMs = 999;
  follower.report('a', 300_000);
  expect(chosen).toEqual([540_000]);
  nowMs = 1000;
  follower.report('a', 560_000);
  expect(chosen).toEqual([540_000]);
  nowMs = 2000;
  follower.report('a', 300_000);
  expect(chosen).toEqual([540_000, 270_000]);
});

it('never goes below what a face needs', () => {
  follower.report('a', 10_000);
  expect(chosen).toEqual([150_000]);
});
