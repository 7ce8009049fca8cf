import { beforeEach, describe, expect, it } from 'vitest';
import { AudioQueue } from '../../../gpu/src/audio-queue.ts';
import type { Resampler } from '../../../gpu/src/encoder.ts';
import { SpeechTrack } from '../../../gpu/src/speech-track.ts';
import type { TrackStep } from '../../../gpu/src/chunk-plan.ts';

/** Repeats or drops whole samples: 16 kHz ↔ 48 kHz without a filter, so that positions can be read off. */
function resampler(from: number, to: number): Resampler {
  const none = new Int16Array(0);
  return {
    push: (pcm) =>
      from === to
        ? pcm
        : Int16Array.from(
            { length: pcm.length * (to / from) },
            (_, i) => pcm[Math.floor((i * from) / to)] ?? 0,
          ),
    flush: () => none,
    close: () => undefined,
  };
}

const BLOCK = 640;
const LOOKAHEAD = 3;
let queue: AudioQueue;
let track: SpeechTrack;
let entry = 0;

beforeEach(() => {
  queue = new AudioQueue({ modelRate: 16_000, samplesPerFrame: BLOCK, openResampler: resampler });
  track = new SpeechTrack({ queue, lookaheadFrames: LOOKAHEAD, firstRow: 100 });
  entry = 0;
});

/** Sound whose block n has samples of value n + 1. */
function sound(blocks: number, from = 0): Int16Array {
  return Int16Array.from({ length: blocks * BLOCK }, (_, index) => from + Math.floor(index / BLOCK) + 1);
}

/** Runs the generator as long as it has something to do; frame n carries params [n]. */
function infer(limit = 5, decodeEvery: 0 | 1 | 2 = 1): void {
  while (track.wanted > 0 && track.lead < 10) {
    const plan = track.plan(Math.min(limit, track.wanted), decodeEvery);
    const frames = plan.shown.map(() => {
      const params = Float32Array.of(entry);
      return { entry: entry++, params };
    });
    track.deliver(plan, frames);
  }
}

function play(ticks: number, inferBetween = true): TrackStep[] {
  return Array.from({ length: ticks }, () => {
    const step = track.next();
    if (inferBetween) infer();
    return step;
  });
}

const kinds = (steps: readonly TrackStep[]): string =>
  steps.map((step) => ({ idle: '.', frame: 'F', repeat: 'R', omitted: 'O', hold: 'H' })[step.kind]).join('');
const values = (steps: readonly TrackStep[]): (number | undefined)[] =>
  steps.flatMap((step) => ('block' in step ? [step.block.wire[0]] : []));

describe('SpeechTrack', () => {
  it('is idle and costs no inference without sound', () => {
    expect(kinds(play(4))).toBe('....');
    expect(track.wanted).toBe(0);
    expect(track.row).toBe(104);
  });

  it('plays every block once, in order, with the frame that belongs to it, then comes to rest', () => {
    queue.push('a', 16_000, sound(7), true);
    infer();
    const steps = play(20);
    expect(kinds(steps)).toBe('FFFFFFF' + 'FFFFFFFFF' + '....');
    expect(values(steps)).toEqual([1, 2, 3, 4, 5, 6, 7, ...Array<number>(9).fill(0)]);
    // Look-ahead outputs were never decoded, so frame n is entry n.
    steps.slice(0, 16).forEach((step, index) => {
      expect(step.kind === 'frame' && step.frame.entry).toBe(index);
    });
  });

  it('needs no more than the look-ahead and one block for the first frame of a stream', () => {
    queue.push('a', 16_000, sound(LOOKAHEAD), false);
    expect(track.wanted).toBe(0);
    queue.push('a', 16_000, sound(1, LOOKAHEAD), false);
    expect(track.wanted).toBe(1);
    const plan = track.plan(1);
    expect(plan).toMatchObject({ frames: LOOKAHEAD + 1, skip: LOOKAHEAD, reset: true });
  });

  it('goes on in the idle motion where speech left it', () => {
    play(1);
    queue.push('a', 16_000, sound(2), true);
    const plan = track.plan(1);
    // Output `skip` is the first shown, at the row after the last idle one.
    expect(plan.firstRow + plan.skip).toBe(track.row + 1);
    track.deliver(plan, [{ entry: entry++, params: null }]);
    infer();
    play(9);
    expect(track.row).toBe(110);
  });

  it('goes on there also when its first frame is long in the making', () => {
    play(1);
    queue.push('a', 16_000, sound(2), true);
    const plan = track.plan(1);
    const firstRow = plan.firstRow + plan.skip;
    play(3, false);
    track.deliver(plan, [{ entry: entry++, params: null }]);
    expect(kinds(play(1))).toBe('F');
    expect(track.row).toBe(firstRow);
  });

  it('lets a row stand that could not be shown, until its frames are made', () => {
    play(3);
    track.missed();
    track.bridge(4);
    expect(track.plan(2).firstRow).toBe(103);
  });

  it('lets no row stand for a sound that may be long in coming', () => {
    queue.push('a', 16_000, sound(1), false);
    play(3);
    track.missed();
    track.bridge(4);
    expect([track.row, track.wanted]).toEqual([103, 0]);
    queue.push('a', 16_000, sound(4), true);
    play(1, false);
    track.missed();
    expect(track.plan(1)).toMatchObject({ firstRow: 101, skip: LOOKAHEAD });
  });

  it('marks first and last blocks of each utterance and plays utterances back to back', () => {
    queue.push('a', 16_000, sound(2), true);
    queue.push('b', 16_000, sound(2), true);
    infer();
    const blocks = play(4).flatMap((step) => (step.kind === 'frame' ? [step.block] : []));
    expect(blocks.map(({ utteranceId, first, last, endMs }) => [utteranceId, first, last, endMs])).toEqual([
      ['a', true, false, 40],
      ['a', false, true, 80],
      ['b', true, false, 40],
      ['b', false, true, 80],
    ]);
  });

  it('says a new utterance soon when it comes while the mouth settles', () => {
    queue.push('a', 16_000, sound(1), true);
    infer();
    play(3);
    queue.push('b', 16_000, sound(6), true);
    infer();
    const steps = play(8);
    const wait = steps.findIndex((step) => step.kind === 'frame' && step.block.utteranceId === 'b');
    expect(wait).toBeLessThanOrEqual(LOOKAHEAD + 2);
  });

  it('plays on under the last picture when the next is late, and drops the late one', () => {
    queue.push('a', 16_000, sound(10), true);
    const first = track.plan(1);
    track.deliver(first, [{ entry: 0, params: null }]);
    const late = track.plan(2);
    expect(kinds(play(3, false))).toBe('FRR');
    const dropped = track.deliver(late, [
      { entry: 1, params: null },
      { entry: 2, params: null },
    ]);
    expect(dropped.map((frame) => frame.entry)).toEqual([1, 2]);
    entry = 3;
    infer();
    const rest = play(3);
    expect(kinds(rest)).toBe('FFF');
    expect(values(rest)).toEqual([4, 5, 6]);
  });

  it('makes sound wait too when pictures stay away', () => {
    queue.push('a', 16_000, sound(30), true);
    const first = track.plan(1);
    track.deliver(first, [{ entry: 0, params: null }]);
    track.plan(5);
    expect(kinds(play(14, false))).toBe('F' + 'R'.repeat(8) + 'H'.repeat(5));
  });

  it('decodes every second picture where it is told to, and plays all of the sound', () => {
    queue.push('a', 16_000, sound(7), true);
    infer(5, 2);
    const steps = Array.from({ length: 18 }, () => {
      const step = track.next();
      infer(5, 2);
      return step;
    });
    expect(kinds(steps)).toBe('FOFOFOFOFOFOFOFO..');
    expect(values(steps)).toEqual([1, 2, 3, 4, 5, 6, 7, ...Array<number>(9).fill(0)]);
  });

  it('plays sound without any picture', () => {
    queue.push('a', 16_000, sound(3), true);
    infer(5, 0);
    expect(entry).toBe(0);
    expect(kinds(play(3, false))).toBe('OOO');
  });

  it('plans chunks before those ahead of them have come', () => {
    queue.push('a', 16_000, sound(12), true);
    const [first, second] = [track.plan(2), track.plan(3)];
    expect(track.lead).toBe(5);
    track.deliver(
      first,
      [0, 1].map((number) => ({ entry: number, params: null })),
    );
    track.deliver(
      second,
      [2, 3, 4].map((number) => ({ entry: number, params: null })),
    );
    const shown = play(5, false).map((step) => step.kind === 'frame' && step.frame.entry);
    expect(shown).toEqual([0, 1, 2, 3, 4]);
  });

  it('drops what an interrupt finds under way', () => {
    queue.push('a', 16_000, sound(12), true);
    const [first, second] = [track.plan(2), track.plan(2)];
    track.deliver(
      first,
      [0, 1].map((number) => ({ entry: number, params: null })),
    );
    play(1, false);
    expect(track.interrupt().map((frame) => frame.entry)).toEqual([1]);
    // The mouth closes at once, before the device has given the old chunk back.
    track.bridge(2);
    expect(track.wanted).toBe(2);
    const release = track.plan(2);
    expect(release).toMatchObject({ reset: true, firstRow: 102, skip: 0 });
    const late = track.deliver(
      second,
      [2, 3].map((number) => ({ entry: number, params: null })),
    );
    expect(late.map((frame) => frame.entry)).toEqual([2, 3]);
    track.deliver(
      release,
      [4, 5].map((number) => ({ entry: number, params: null })),
    );
    expect(kinds(play(3, false))).toBe('FF.');
  });

  it('holds sound and picture together over a gap in the input and closes the mouth when it lasts', () => {
    queue.push('a', 16_000, sound(5), false);
    infer();
    const steps = play(12);
    expect(kinds(steps).startsWith('FFHHHH')).toBe(true);
    expect(kinds(steps).slice(6)).toContain('F');
    // Nothing of the sound is lost, and it goes on with what comes later.
    queue.push('a', 16_000, sound(5, 5), true);
    infer();
    const later = play(30);
    const heard = values([...steps, ...later]).filter((value) => value !== 0);
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('drops everything at an interrupt and makes the frames in which the face comes to rest', () => {
    queue.push('a', 16_000, sound(50), true);
    infer();
    play(4);
    const dropped = track.interrupt();
    expect(dropped.length).toBeGreaterThan(0);
    track.bridge(6);
    infer();
    const steps = play(8);
    expect(kinds(steps)).toBe('FFFFFF..');
    expect(values(steps)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(track.wanted).toBe(0);
  });

  it('makes frames without sound only just before they are shown, on the rows after the last one', () => {
    play(3);
    track.bridge(5);
    expect(track.wanted).toBe(2);
    const first = track.plan(2);
    expect(first).toMatchObject({ firstRow: 104, reset: true });
    expect(track.wanted).toBe(0);
    // The picture that is shown stays until the first of them is there, and the motion waits with it.
    expect(track.next().kind).toBe('hold');
    track.deliver(
      first,
      [0, 1].map((number) => ({ entry: number, params: null })),
    );
    expect(track.next().kind).toBe('frame');
    expect(track.plan(track.wanted)).toMatchObject({ firstRow: 106, reset: false, frames: 1 });
  });

  it('says a first word soon when it comes while frames without sound are made', () => {
    track.bridge(20);
    infer();
    play(2);
    queue.push('a', 16_000, sound(4, 100), true);
    const steps = play(10);
    expect(values(steps).filter((value) => value !== 0)).toEqual([101, 102, 103, 104]);
    expect(kinds(steps).indexOf('F', 2)).toBeLessThan(5);
  });

  it('does not make frames without sound while something is said', () => {
    queue.push('a', 16_000, sound(20), true);
    infer();
    play(2);
    const wanted = track.wanted;
    track.bridge(10);
    expect(track.wanted).toBe(wanted);
    expect(kinds(play(2))).toBe('FF');
  });

  it('drops the chunk in work at an interrupt and speaks again afterwards', () => {
    queue.push('a', 16_000, sound(50), true);
    infer();
    play(2);
    while (track.lead > 4) track.next();
    const inWork = track.plan(1);
    track.interrupt();
    queue.push('b', 16_000, sound(4, 100), true);
    expect(track.deliver(inWork, [{ entry: 99, params: null }])).toHaveLength(1);
    infer();
    const steps = play(12);
    expect(values(steps).filter((value) => value !== 0)).toEqual([101, 102, 103, 104]);
  });

  it('ignores an interrupt when nothing is said', () => {
    expect(track.interrupt()).toEqual([]);
    expect(kinds(play(3))).toBe('...');
  });
});
