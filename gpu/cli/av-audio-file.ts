import { VizaviError } from '@vizavi/signaling';
import { Decoder, Demuxer } from 'node-av/api';
import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_S16 } from 'node-av/constants';

export const FILE_RATE = 48_000;

/** The sound of any file that FFmpeg reads: mono, 48 kHz. @throws VizaviError `invalid_audio` */
export async function readAudioFile(file: string): Promise<Int16Array> {
  const parts: Buffer[] = [];
  try {
    await using input = await Demuxer.open(file);
    const stream = input.audio();
    if (!stream) throw new Error('there is no sound in it');
    using decoder = await Decoder.create(stream, {
      resample: {
        sampleRate: FILE_RATE,
        sampleFormat: AV_SAMPLE_FMT_S16,
        channelLayout: AV_CHANNEL_LAYOUT_MONO,
      },
    });
    for await (const frame of decoder.frames(input.packets(stream.index))) {
      if (!frame) continue;
      const data = frame.data?.[0];
      if (data) parts.push(Buffer.from(data.subarray(0, frame.nbSamples * 2)));
      frame.free();
    }
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new VizaviError('invalid_audio', `${file}: ${problem}`, { cause });
  }
  const all = Buffer.concat(parts);
  if (all.length === 0) throw new VizaviError('invalid_audio', `${file}: there is no sound in it`);
  return new Int16Array(all.buffer.slice(all.byteOffset, all.byteOffset + all.length));
}
