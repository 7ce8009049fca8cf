import { Encoder } from 'node-av/api';
import { FFmpegError, Frame, Rational } from 'node-av/lib';
import { AV_PIX_FMT_RGB24, FF_ENCODER_PNG } from 'node-av/constants';

/** A picture of 3 bytes a pixel, red first, row by row. */
export async function encodePng(rgb: Uint8Array, width: number, height: number): Promise<Buffer> {
  const frame = new Frame();
  frame.alloc();
  Object.assign(frame, { width, height, format: AV_PIX_FMT_RGB24 });
  try {
    FFmpegError.throwIfError(frame.getBuffer(), 'allocate picture');
    FFmpegError.throwIfError(
      frame.fromBuffer(Buffer.from(rgb.buffer, rgb.byteOffset, rgb.byteLength)),
      'take picture',
    );
    return await Encoder.encodeOne(FF_ENCODER_PNG, frame, {
      configure: (context) => {
        context.timeBase = new Rational(1, 1);
      },
    });
  } finally {
    frame.free();
  }
}
