import { VizaviError } from './errors.ts';

/** PCM s16le bytes from the wire as samples, copied so that they are aligned. @throws VizaviError `invalid_audio` */
export function samplesFromBytes(bytes: Uint8Array): Int16Array {
  if (bytes.byteLength % 2 !== 0) {
    throw new VizaviError('invalid_audio', `16-bit PCM has an even number of bytes, not ${bytes.byteLength}`);
  }
  const samples = new Int16Array(bytes.byteLength / 2);
  new Uint8Array(samples.buffer).set(bytes);
  return samples;
}

/** Samples as the bytes that go on the wire (every platform that we run on is little-endian). */
export function bytesFromSamples(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}
