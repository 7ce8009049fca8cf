import type { Endpoint } from './endpoint.ts';

/** What a server sends that does not know `pcm`, by its first bytes or its content type. */
const OTHER_TYPES = /json|html|text|mpeg|mp3|wav|ogg|opus|flac|aac/i;
const OTHER_HEADS = ['RIFF', 'ID3', 'OggS', 'fLaC'];

/**
 * The sound in a body of 16-bit little-endian PCM, wherever its pieces are cut. Half a sample at the end is dropped.
 *
 * @throws VizaviError as the endpoint's role says: another format, or more than `maxSamples`. The body is left then
 */
export async function readPcm(
  endpoint: Endpoint,
  response: Response,
  maxSamples: number,
): Promise<Int16Array> {
  const type = response.headers.get('content-type') ?? '';
  if (OTHER_TYPES.test(type)) {
    await response.body?.cancel();
    throw endpoint.failed(`answered with ${type}, not with PCM`, false);
  }
  const pieces: Uint8Array[] = [];
  let length = 0;
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  for await (const piece of body) {
    pieces.push(piece);
    length += piece.length;
    if (length > maxSamples * 2) throw endpoint.failed('does not stop speaking', false);
  }
  const bytes = Buffer.concat(pieces);
  const head = bytes.toString('latin1', 0, 4);
  if (OTHER_HEADS.some((other) => head.startsWith(other))) {
    throw endpoint.failed('answered with a sound file, not with PCM', false);
  }
  const pcm = new Int16Array(bytes.length >> 1);
  for (let index = 0; index < pcm.length; index += 1) pcm[index] = bytes.readInt16LE(index * 2);
  return pcm;
}
