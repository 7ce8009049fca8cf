import type { AvatarBundle } from '../../src/avatar-bundle.ts';
import { FILE_RATE } from '../../cli/av-audio-file.ts';
import { OfflineAvatar } from '../../cli/offline-avatar.ts';

export interface Seams {
  /** Median difference between two pictures in a row while there is speech, levels of luma. */
  readonly medianDifference: number;
  /** The largest difference at a change between idle motion and speech, in units of the median: of lines as a voice says them. */
  readonly idleSpeech: number;
  /** The same for the change in the middle of them. */
  readonly idleSpeechMedian: number;
  /** The largest one where sound begins or ends in the midst of a word: the mouth has to open at once. */
  readonly idleMidWord: number;
  /** Median difference at the beginnings of chunks, in units of the median. */
  readonly chunks: number;
  /** Frames a second of wall clock, with everything but encoding. */
  readonly timesRealTime: number;
}

/** What cuts the sound into lines: windows so quiet, for so long. */
const QUIET_RMS = 100;
const WINDOW_S = 0.02;
const PAUSE_S = 0.1;
const LEAST_LINE_S = 0.8;
/** What cuts it in the midst of words. */
const PIECE_S = 2.5;
const PIECES = 8;

/** Plays pieces of a sound along the live path and looks at the pictures. */
export async function measureSeams(bundle: AvatarBundle, pcm: Int16Array): Promise<Seams> {
  const pieces = Array.from({ length: PIECES }, (_, k) =>
    pcm.slice(k * PIECE_S * FILE_RATE, (k + 1) * PIECE_S * FILE_RATE),
  );
  const avatar = await OfflineAvatar.open(bundle, { decoder: bundle.decoder.default, steps: 'auto' });
  const startMs = performance.now();
  try {
    const lines = await play(avatar, cutAtPauses(pcm).slice(0, PIECES));
    const cut = await play(avatar, pieces);
    const median = middle([...lines.inSpeech, ...lines.chunkStarts]);
    return {
      medianDifference: median,
      idleSpeech: Math.max(...lines.changes) / median,
      idleSpeechMedian: middle(lines.changes) / median,
      idleMidWord: Math.max(...cut.changes) / median,
      chunks: middle(lines.chunkStarts) / median,
      timesRealTime: (lines.ticks + cut.ticks) / bundle.fps / ((performance.now() - startMs) / 1000),
    };
  } finally {
    await avatar.close();
  }
}

/** Differences between pictures in a row, by where they lie. */
interface Steps {
  readonly ticks: number;
  readonly inSpeech: readonly number[];
  readonly chunkStarts: readonly number[];
  readonly changes: readonly number[];
}

/** Plays each piece by itself, with idle motion before and after. */
async function play(avatar: OfflineAvatar, pieces: readonly Int16Array[]): Promise<Steps> {
  const { width, height, chunkFrames } = avatar.bundle;
  const inSpeech: number[] = [];
  const changes: number[] = [];
  const chunkStarts: number[] = [];
  let ticks = 0;
  for (const pcm of pieces) {
    let before: { picture: Uint8Array; idle: boolean } | null = null;
    let spoken = 0;
    for await (const { picture, idle } of avatar.play([{ pcm, sampleRate: FILE_RATE, manner: {} }])) {
      ticks += 1;
      if (before) {
        const moved = difference(before.picture, picture, width * height);
        if (before.idle !== idle) changes.push(moved);
        else if (!idle) (spoken % chunkFrames === 0 ? chunkStarts : inSpeech).push(moved);
      }
      spoken = idle ? 0 : spoken + 1;
      before = { picture: picture.slice(), idle };
    }
  }
  return { ticks, inSpeech, chunkStarts, changes };
}

/** The sound between pauses. */
function cutAtPauses(pcm: Int16Array): Int16Array[] {
  const window = WINDOW_S * FILE_RATE;
  const lines: Int16Array[] = [];
  let from = 0;
  let quiet = 0;
  for (let at = 0; at + window <= pcm.length; at += window) {
    quiet = rms(pcm.subarray(at, at + window)) < QUIET_RMS ? quiet + WINDOW_S : 0;
    if (quiet < PAUSE_S) continue;
    if (at - from > LEAST_LINE_S * FILE_RATE) lines.push(pcm.slice(from, at));
    from = at;
  }
  return lines;
}

function rms(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

/** Mean absolute difference of luma. */
function difference(a: Uint8Array, b: Uint8Array, luma: number): number {
  let sum = 0;
  for (let at = 0; at < luma; at += 1) sum += Math.abs((a[at] ?? 0) - (b[at] ?? 0));
  return sum / luma;
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
