import { Decoder, Demuxer } from 'node-av/api';
import { AV_PIX_FMT_RGB24 } from 'node-av/constants';

export interface Image {
  readonly width: number;
  readonly height: number;
  /** 3 bytes a pixel, red first, row by row. */
  readonly rgb: Uint8Array;
}

/** Any picture that FFmpeg reads. @throws Error */
export async function readImage(file: string): Promise<Image> {
  await using input = await Demuxer.open(file);
  const stream = input.video();
  if (!stream) throw new Error(`${file}: there is no picture in it`);
  using decoder = await Decoder.create(stream, { rescale: { pixelFormat: AV_PIX_FMT_RGB24 } });
  for await (const frame of decoder.frames(input.packets(stream.index))) {
    if (!frame) continue;
    const { width, height } = frame;
    const plane = frame.data?.[0];
    const stride = frame.linesize[0] ?? 0;
    if (!plane) break;
    const rgb = new Uint8Array(width * height * 3);
    for (let row = 0; row < height; row += 1) {
      rgb.set(plane.subarray(row * stride, row * stride + width * 3), row * width * 3);
    }
    frame.free();
    return { width, height, rgb };
  }
  throw new Error(`${file}: there is no picture in it`);
}
