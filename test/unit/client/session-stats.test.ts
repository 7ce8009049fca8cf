import { expect, it } from 'vitest';
import { combineStats } from '../../../client/src/session-stats.ts';
import type { SessionStats, StatsParts } from '../../../client/src/session-stats.ts';

const stages = {
  framesSent: 100,
  framesLate: 1,
  framesDropped: 2,
  framesRepeated: 3,
  leadMs: 80,
  ringOccupancy: 0.5,
  realTimeFactor: 0.1,
  bitrateBps: 800_000,
  rung: 'full',
  firstFrameMs: 40,
  stages: {
    generate: { median: 1, p95: 2 },
    decode: { median: 1, p95: 2 },
    copy: { median: 1, p95: 2 },
    encode: { median: 1, p95: 2 },
    send: { median: 1, p95: 2 },
  },
};

function combine(parts: Partial<StatsParts>): SessionStats {
  return combineStats({
    joinMs: 300,
    firstFrameMs: 400,
    framesPresented: 50,
    roundTripMs: 5,
    server: { stages, voiceMs: null, turn: null, viewers: 1 },
    now: { audio: {}, video: {} },
    before: null,
    ...parts,
  });
}

it('says null for what the browser does not tell', () => {
  expect(combine({ server: { stages: null, voiceMs: null, turn: null, viewers: 1 } })).toMatchObject({
    avOffsetMs: null,
    jitterBufferMs: { audio: null, video: null },
    framesLate: null,
    framesDropped: null,
    packetsLost: 0,
  });
});

it('counts frames dropped on both sides, and packets of both streams', () => {
  const now = { audio: { packetsLost: 1 }, video: { packetsLost: 2, framesDropped: 5 } };
  expect(combine({ now })).toMatchObject({
    framesLate: 1,
    framesRepeated: 3,
    framesDropped: 7,
    packetsLost: 3,
  });
});

it('gives the offset as the lateness of the sound', () => {
  const now = { audio: { estimatedPlayoutTimestamp: 1000 }, video: { estimatedPlayoutTimestamp: 1030 } };
  expect(combine({ now }).avOffsetMs).toBe(30);
});

it('gives the buffer’s delay since the time before, and from the start for a new receiver', () => {
  const before = { audio: {}, video: { jitterBufferDelay: 10, jitterBufferEmittedCount: 100 } };
  const later = { audio: {}, video: { jitterBufferDelay: 10.4, jitterBufferEmittedCount: 110 } };
  const anew = { audio: {}, video: { jitterBufferDelay: 0.5, jitterBufferEmittedCount: 10 } };
  expect(combine({ now: later, before }).jitterBufferMs.video).toBeCloseTo(40);
  expect(combine({ now: anew, before }).jitterBufferMs.video).toBeCloseTo(50);
});

it('adds to a turn what its way to the visitor takes', () => {
  const turn = { endOfTurnMs: 400, earsMs: 0, brainMs: 20, voiceMs: 50, avatarMs: 100, totalMs: 570 };
  const server = { stages, voiceMs: null, turn, viewers: 1 };
  const now = { audio: {}, video: { jitterBufferDelay: 3, jitterBufferEmittedCount: 100 } };
  expect(combine({ server, now, roundTripMs: 40 }).turn).toEqual({
    ...turn,
    networkMs: 40,
    bufferMs: 30,
    seenMs: 640,
  });
  const begun = { ...turn, avatarMs: null, totalMs: null };
  expect(combine({ server: { ...server, turn: begun }, now }).turn?.seenMs).toBeNull();
});
