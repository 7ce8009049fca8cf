import type { Manner } from '@vizavi/signaling';
import { loadAvatarBundle } from '../src/avatar-bundle.ts';
import { FILE_RATE, readAudioFile } from './av-audio-file.ts';
import { Mp4Writer } from './av-mp4-writer.ts';
import { OfflineAvatar } from './offline-avatar.ts';
import type { Line } from './offline-avatar.ts';
import { textToLines } from './text-to-lines.ts';

export interface PreviewOptions {
  readonly dir: string;
  readonly out: string;
  readonly text?: string | undefined;
  readonly audio?: string | undefined;
  readonly voice?: string | undefined;
  readonly manner: Manner;
  readonly steps: number | 'auto';
  readonly decoder: string;
  /** Seconds in which it looks as if it listened, before it speaks. */
  readonly listenSeconds: number;
  /** Told of the frames made so far and of all. */
  readonly onProgress: (made: number, all: number) => void;
}

/** Speaks into an MP4 along the live path. @returns lines to print */
export async function preview(options: PreviewOptions): Promise<string[]> {
  const { dir, out, text, audio, manner, steps, decoder, listenSeconds, onProgress } = options;
  const bundle = await loadAvatarBundle(dir);
  const lines: Line[] =
    audio === undefined
      ? await textToLines(text ?? '', { wanted: options.voice, own: bundle.voice }, manner)
      : [{ pcm: await readAudioFile(audio), sampleRate: FILE_RATE, manner }];
  const seconds = lines.reduce((sum, { pcm, sampleRate }) => sum + pcm.length / sampleRate, 0);
  const avatar = await OfflineAvatar.open(bundle, { steps, decoder });
  const writer = await Mp4Writer.open(out, bundle);
  // What is said, and a second of rest at both ends.
  const all = Math.round((seconds + listenSeconds + 2) * bundle.fps);
  const started = performance.now();
  let made = 0;
  try {
    for await (const { picture, sound } of avatar.play(lines, Math.round(listenSeconds * bundle.fps))) {
      await writer.write(picture, sound);
      made += 1;
      onProgress(Math.min(made, all), all);
    }
  } finally {
    await writer.close();
    await avatar.close();
  }
  const took = (performance.now() - started) / 1000;
  const length = made / bundle.fps;
  return [
    `${out}: ${length.toFixed(1)} s, made in ${took.toFixed(1)} s (${(length / took).toFixed(1)}× real time)`,
  ];
}
