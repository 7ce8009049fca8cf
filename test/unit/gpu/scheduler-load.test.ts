import { describe, expect, it } from 'vitest';
import { nextBatch } from '../../../gpu/src/scheduler.ts';
import {
  CHUNK_FRAMES,
  FRAME_MS,
  LOOKAHEAD_FRAMES,
  MAX_LEAD_FRAMES,
  simulate,
} from '../../support/simulated-device.ts';
import type { Arrival, DeviceProfile, Run } from '../../support/simulated-device.ts';

const affine = (fixedMs: number, frameMs: number) => (frames: number) =>
  frames === 0 ? 0 : fixedMs + frameMs * frames;

/** `headRoom`: how much dearer the clairvoyant could have every frame and still be in time, when we must be too. */
const devices = {
  'a GPU': {
    generateMs: affine(1.2, 0.1),
    decodeMs: affine(5, 0.5),
    depth: 2,
    maxBatchFrames: 40,
    headRoom: 0.25,
  },
  'a GPU without a pipeline': {
    generateMs: affine(1.2, 0.1),
    decodeMs: affine(5, 0.5),
    depth: 1,
    maxBatchFrames: 40,
    headRoom: 0.25,
  },
  'a slice of a GPU': {
    generateMs: affine(0.5, 0.6),
    decodeMs: affine(8, 1),
    depth: 2,
    maxBatchFrames: 40,
    headRoom: 0.25,
  },
  'a CPU': {
    generateMs: affine(0, 0.5),
    decodeMs: affine(0, 3.5),
    depth: 1,
    maxBatchFrames: 20,
    headRoom: 0.05,
  },
} satisfies Record<string, DeviceProfile & { headRoom: number }>;
const each = Object.entries(devices).map(([name, device]) => ({ name, device }));

describe.each(each)('many slots on $name', ({ device }) => {
  const capacity = Math.floor(FRAME_MS / cheapestFrameMs(device));

  it('speak without a late frame, in order and within the lead, wherever a clairvoyant has some head room', () => {
    let feasible = 0;
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = seeded(seed);
      const slots = Math.round(capacity * 1.5);
      const arrivals = conversations({ slots, random, load: 0.35 + 0.02 * seed, untilMs: 14_000 });
      const run = simulate({
        profile: device,
        slots,
        arrivals,
        untilMs: 24_000,
        schedule: nextBatch,
        random,
      });
      expectOrder(run, arrivals);
      if (!clairvoyantCould(run, arrivals, cheapestFrameMs(device) * (1 + device.headRoom))) continue;
      feasible += 1;
      expect(late(run)).toBe(0);
      expect(percentile(run.firstFrameMs, 0.99)).toBeLessThanOrEqual(6 * FRAME_MS);
    }
    expect(feasible).toBeGreaterThanOrEqual(4);
  });

  it('keep order and lead with live sound too', () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const random = seeded(seed);
      const arrivals = conversations({ slots: capacity, random, load: 0.5, live: 0.5, untilMs: 10_000 });
      const options = { profile: device, slots: capacity, untilMs: 20_000, schedule: nextBatch, random };
      expectOrder(simulate({ ...options, arrivals }), arrivals);
    }
  });

  it('may be nine tenths of what the best batches allow', () => {
    const run = alwaysSpeaking(device, Math.ceil(0.9 * capacity), 20_000);
    const settled = { ...run, ticks: run.ticks.filter(({ atMs }) => atMs > 3000) };
    expect(late(settled) / settled.ticks.length).toBeLessThanOrEqual(0.001);
  });

  it('all get their share when they are too many', () => {
    const slots = Math.ceil(1.3 * capacity);
    const run = alwaysSpeaking(device, slots, 20_000);
    const made = Array.from({ length: slots }, (_, slotId) =>
      run.jobs.reduce((frames, job) => frames + (job.slotId === slotId ? job.frames : 0), 0),
    );
    const mean = made.reduce((sum, frames) => sum + frames, 0) / slots;
    expect(Math.min(...made)).toBeGreaterThan(0.9 * mean);
    // The device is not slowed down by being late: it makes nearly what it can.
    expect(mean * slots).toBeGreaterThan((0.9 * 20_000) / cheapestFrameMs(device));
  });
});

it('is as good as one job at a time where batching saves nothing', () => {
  const cpu = devices['a CPU'];
  const lateFrames = (schedule: typeof nextBatch): number => {
    let sum = 0;
    for (let seed = 1; seed <= 30; seed += 1) {
      const random = seeded(seed);
      const arrivals = conversations({ slots: 15, random, load: 0.5, untilMs: 15_000 });
      sum += late(simulate({ profile: cpu, slots: 15, arrivals, untilMs: 16_000, schedule, random }));
    }
    return sum;
  };
  expect(lateFrames(nextBatch)).toBeLessThanOrEqual(1.1 * lateFrames(earliestDeadlineAlone));
});

const earliestDeadlineAlone: typeof nextBatch = (candidates, nowMs, options) => {
  const [first] = candidates
    .map((slot) => ({
      ...slot,
      room: Math.min(slot.wantedFrames, options.chunkFrames, options.maxLeadFrames - slot.leadFrames),
    }))
    .filter(({ room }) => room > 0)
    .sort((a, b) => a.deadlineMs - b.deadlineMs);
  if (!first) return [];
  let frames = first.room;
  while (frames > 1 && options.batchMs([frames]) > (first.deadlineMs - nowMs) / 2) frames -= 1;
  return [{ slotId: first.slotId, frames }];
};

/** Utterances of 1–8 s that come at random, as fast as a voice makes them or as one speaks; some are interrupted. */
function conversations(options: {
  slots: number;
  random: () => number;
  /** Share of the time that a slot speaks. */
  load: number;
  /** Share of the utterances whose sound comes in real time, frame by frame. */
  live?: number;
  untilMs: number;
}): readonly Arrival[] {
  const { random, load, live = 0, untilMs } = options;
  const arrivals: Arrival[] = [];
  for (let slotId = 0; slotId < options.slots; slotId += 1) {
    let atMs = 0;
    let firstFrame = 1;
    for (;;) {
      atMs += -Math.log(1 - random()) * 4500 * (1 / load - 1);
      if (atMs > untilMs) break;
      const frames = Math.round(25 + 175 * random());
      const cutMs = random() < 0.2 ? atMs + random() * frames * FRAME_MS : Infinity;
      const [speed, piece] = live > 0 && random() < live ? [1, 1] : [2 + 6 * random(), 10];
      for (let sent = 0; sent < frames; sent += piece) {
        const pieceMs = atMs + (sent * FRAME_MS) / speed;
        const count = Math.min(piece, frames - sent);
        if (pieceMs > cutMs) break;
        const last = sent + count === frames;
        arrivals.push({
          kind: 'sound',
          atMs: pieceMs,
          slotId,
          firstFrame: firstFrame + sent,
          frames: count,
          last,
        });
      }
      if (cutMs < Infinity) arrivals.push({ kind: 'interrupt', atMs: cutMs, slotId });
      firstFrame += frames;
      atMs = Math.min(cutMs, atMs + frames * FRAME_MS + 400);
    }
  }
  return arrivals.sort((a, b) => a.atMs - b.atMs);
}

function alwaysSpeaking(profile: DeviceProfile, slots: number, untilMs: number): Run {
  const random = seeded(slots);
  const arrivals = Array.from({ length: slots }, (_, slotId) => {
    return { kind: 'sound' as const, atMs: random() * 2000, slotId, firstFrame: 1, frames: 1000, last: true };
  }).sort((a, b) => a.atMs - b.atMs);
  return simulate({ profile, slots, arrivals, untilMs, schedule: nextBatch, random });
}

/** Least that a frame can cost, in the best batch that fits into the lead. */
function cheapestFrameMs({ generateMs, decodeMs, depth, maxBatchFrames }: DeviceProfile): number {
  let cheapestMs = Infinity;
  for (let frames = 1; frames <= CHUNK_FRAMES; frames += 1) {
    for (let slots = 1; slots * frames <= maxBatchFrames; slots += 1) {
      const batchMs = slots * generateMs(frames) + decodeMs(slots * frames);
      const fits = depth * batchMs <= (MAX_LEAD_FRAMES - frames) * FRAME_MS;
      if (fits) cheapestMs = Math.min(cheapestMs, batchMs / (slots * frames));
    }
  }
  return cheapestMs;
}

/**
 * Could one who knows everything beforehand, whose work can be divided at will and for whom every frame costs as little as
 * in the best batch, have made all frames that were due in time? (Preemptive earliest deadline first is optimal then.)
 */
function clairvoyantCould(run: Run, arrivals: readonly Arrival[], frameMs: number): boolean {
  const arrivedMs = new Map<string, number>();
  for (const arrival of arrivals) {
    if (arrival.kind === 'interrupt') continue;
    for (let frame = 0; frame < arrival.frames; frame += 1) {
      arrivedMs.set(`${arrival.slotId}:${arrival.firstFrame + frame}`, arrival.atMs);
    }
  }
  const frames = run.ticks
    .flatMap(({ slotId, sound, atMs }) => {
      if (sound === null) return [];
      // Silence after speech is fed when it is the next but one.
      if (sound === 0) return [{ fromMs: atMs - 2 * FRAME_MS, dueMs: atMs }];
      const needed = [sound + LOOKAHEAD_FRAMES, sound].map((frame) => arrivedMs.get(`${slotId}:${frame}`));
      const inputMs = needed.find((ms) => ms !== undefined && ms <= atMs) ?? 0;
      return [{ fromMs: Math.max(inputMs, atMs - MAX_LEAD_FRAMES * FRAME_MS), dueMs: atMs }];
    })
    .sort((a, b) => a.fromMs - b.fromMs);
  const open: { dueMs: number; leftMs: number }[] = [];
  let nowMs = 0;
  for (let next = 0; next < frames.length || open.length > 0;) {
    const first = open.at(-1);
    const frame = frames[next];
    if (frame && (!first || frame.fromMs <= nowMs)) {
      nowMs = Math.max(nowMs, frame.fromMs);
      let place = open.length;
      while (place > 0 && (open[place - 1]?.dueMs ?? 0) < frame.dueMs) place -= 1;
      open.splice(place, 0, { dueMs: frame.dueMs, leftMs: frameMs });
      next += 1;
    } else if (first) {
      const stepMs = Math.min(first.leftMs, (frame?.fromMs ?? Infinity) - nowMs);
      nowMs += stepMs;
      first.leftMs -= stepMs;
      if (nowMs > first.dueMs) return false;
      if (first.leftMs <= 1e-9) open.pop();
    }
  }
  return true;
}

/** Frames whose sound was heard under another picture, or had to wait for it. */
const late = ({ ticks }: Run): number =>
  ticks.filter(({ sound, picture }) => picture === null && sound !== 0).length;

function expectOrder(run: Run, arrivals: readonly Arrival[]): void {
  expectAllSaidOnce(run, arrivals);
  expectNothingStale(run, arrivals);
  for (const { leadAfter, frames } of run.jobs) {
    expect(leadAfter).toBeLessThanOrEqual(MAX_LEAD_FRAMES);
    expect(frames).toBeLessThanOrEqual(CHUNK_FRAMES);
  }
}

/** Every frame of sound that was not cut off was heard once, in order, and under its own picture or none. */
function expectAllSaidOnce(run: Run, arrivals: readonly Arrival[]): void {
  const heard = new Map<number, number[]>();
  for (const { slotId, sound, picture } of run.ticks) {
    if (sound === null) continue;
    if (picture !== null) expect(picture).toBe(sound);
    if (sound > 0) heard.set(slotId, [...(heard.get(slotId) ?? []), sound]);
  }
  expect(heard.size).toBeGreaterThan(0);
  for (const [slotId, sounds] of heard) {
    expect(sounds).toEqual([...new Set(sounds)].sort((a, b) => a - b));
    const said = arrivals.filter((arrival) => arrival.slotId === slotId);
    const cut = said.some(({ kind }) => kind === 'interrupt');
    const sent = said.reduce((sum, arrival) => sum + (arrival.kind === 'sound' ? arrival.frames : 0), 0);
    if (!cut) expect(sounds.length).toBe(sent);
  }
}

/** No work was begun for sound that an interrupt had cut off. */
function expectNothingStale(run: Run, arrivals: readonly Arrival[]): void {
  for (const cut of arrivals) {
    if (cut.kind !== 'interrupt') continue;
    const own = arrivals.filter(({ slotId, atMs }) => slotId === cut.slotId && atMs <= cut.atMs);
    const lastFrame = Math.max(...own.map((a) => (a.kind === 'sound' ? a.firstFrame + a.frames - 1 : 0)));
    const after = run.jobs.filter(({ slotId, atMs }) => slotId === cut.slotId && atMs > cut.atMs);
    expect(after.flatMap(({ fed }) => fed).filter((frame) => frame > 0 && frame <= lastFrame)).toEqual([]);
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
}

/** 0…1, always the same row (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
