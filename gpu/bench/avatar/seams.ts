import type { AvatarBundle } from '../../src/avatar-bundle.ts';
import { FILE_RATE } from '../../cli/av-audio-file.ts';
import { OfflineAvatar } from '../../cli/offline-avatar.ts';

export interface Seams {
  /** Median difference between two pictures in a row while there is speech, levels of luma. */
  readonly medianDifference: number;
  /** The largest difference at a change between idle motion and speech, in units of the median. */
  readonly idleSpeech: number;
  /** The same for the change in the middle of them. */
  readonly idleSpeechMedian: number;
  /** Median difference at the beginnings of chunks, in units of the median. */
  readonly chunks: number;
  /** Frames a second of wall clock, with everything but encoding. */
  readonly timesRealTime: number;
}

/** Pieces of the sound with silence between them: as many changes as that. */
const SENTENCE_S = 2.5;
const SENTENCES = 8;

/** Plays pieces of a sound along the live path and looks at the pictures. */
export async function measureSeams(bundle: AvatarBundle, pcm: Int16Array): Promise<Seams> {
  const avatar = await OfflineAvatar.open(bundle, { decoder: bundle.decoder.default, steps: 'auto' });
  const length = SENTENCE_S * FILE_RATE;
  const inSpeech: number[] = [];
  const changes: number[] = [];
  const chunkStarts: number[] = [];
  let ticks = 0;
  const startMs = performance.now();
  try {
    for (let sentence = 0; sentence < SENTENCES; sentence += 1) {
      const line = pcm.slice(sentence * length, (sentence + 1) * length);
      let before: { picture: Uint8Array; idle: boolean } | null = null;
      let spoken = 0;
      for await (const { picture, idle } of avatar.play([{ pcm: line, sampleRate: FILE_RATE, manner: {} }])) {
        ticks += 1;
        if (before) {
          const moved = difference(before.picture, picture, bundle.width * bundle.height);
          if (before.idle !== idle) changes.push(moved);
          else if (!idle) (spoken % bundle.chunkFrames === 0 ? chunkStarts : inSpeech).push(moved);
        }
        spoken = idle ? 0 : spoken + 1;
        before = { picture: picture.slice(), idle };
      }
    }
  } finally {
    await avatar.close();
  }
  const median = middle([...inSpeech, ...chunkStarts]);
  return {
    medianDifference: median,
    idleSpeech: Math.max(...changes) / median,
    idleSpeechMedian: middle(changes) / median,
    chunks: middle(chunkStarts) / median,
    timesRealTime: ticks / bundle.fps / ((performance.now() - startMs) / 1000),
  };
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
