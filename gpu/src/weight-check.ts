import { open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readVarint } from '../onnx/protobuf.ts';

/** Field numbers and types of onnx.proto (github.com/onnx/onnx). */
const GRAPH = 7;
const INITIALIZER = 5;
const TENSOR = { dataType: 2, floatData: 4, name: 8, rawData: 9, external: 13 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const BYTES_OF: Readonly<Record<number, { readonly size: 2 | 4; readonly exponent: number }>> = {
  /** FLOAT, FLOAT16, BFLOAT16: infinities and NaN have all bits of the exponent set. */
  1: { size: 4, exponent: 0x7f800000 },
  10: { size: 2, exponent: 0x7c00 },
  16: { size: 2, exponent: 0x7f80 },
};
const PIECE_BYTES = 1 << 22;

interface Field {
  readonly number: number;
  /** Of a varint. */
  readonly value: number;
  /** Where the bytes of a length-delimited field lie. */
  readonly start: number;
  readonly end: number;
}

/**
 * The name of the first weight of an ONNX file that holds an infinity or a NaN; null when all are finite. Reads what it
 * must and no more: files may be larger than memory. Nodes' attributes are not looked into.
 *
 * @param shared real path of the one other file that it may have weights in
 * @throws Error when the file is cut short, is no protobuf message, or has weights in another file
 */
export async function findBadWeight(file: string, shared?: string): Promise<string | null> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    for await (const graph of fields(handle, 0, size)) {
      if (graph.number !== GRAPH) continue;
      for await (const tensor of fields(handle, graph.start, graph.end)) {
        if (tensor.number !== INITIALIZER) continue;
        const bad = await checkTensor(handle, tensor, dirname(file), shared);
        if (bad !== null) return bad;
      }
    }
    return null;
  } finally {
    await handle.close();
  }
}

async function checkTensor(
  handle: FileHandle,
  { start, end }: Field,
  dir: string,
  shared: string | undefined,
): Promise<string | null> {
  let name = '';
  let type = 0;
  const ranges: { start: number; end: number }[] = [];
  const external = new Map<string, string>();
  for await (const field of fields(handle, start, end)) {
    if (field.number === TENSOR.name) name = await text(handle, field);
    if (field.number === TENSOR.dataType) type = field.value;
    if (field.number === TENSOR.rawData || field.number === TENSOR.floatData) ranges.push(field);
    if (field.number === TENSOR.external) {
      const entry = ['', ''];
      for await (const part of fields(handle, field.start, field.end)) {
        if (part.number === ENTRY.key) entry[0] = await text(handle, part);
        if (part.number === ENTRY.value) entry[1] = await text(handle, part);
      }
      external.set(entry[0] ?? '', entry[1] ?? '');
    }
  }
  const location = external.get('location');
  const place = location === undefined ? null : resolve(dir, location);
  // Anywhere else a graph could have us read a device, somebody's files, or weights whose hash nobody knows.
  if (place !== null && (await realpath(place).catch(() => null)) !== shared) {
    throw new Error(`the weights "${name}" lie in ${location}, which the manifest does not list as weights`);
  }
  const kind = BYTES_OF[type];
  if (!kind) return null;
  if (place !== null) {
    const offset = Number(external.get('offset') ?? 0);
    const side = await open(place);
    try {
      const stop = offset + Number(external.get('length') ?? (await side.stat()).size - offset);
      return (await isFinite(side, offset, stop, kind)) ? null : name;
    } finally {
      await side.close();
    }
  }
  for (const range of ranges) {
    if (!(await isFinite(handle, range.start, range.end, kind))) return name;
  }
  return null;
}

async function isFinite(
  handle: FileHandle,
  start: number,
  end: number,
  { size, exponent }: { readonly size: 2 | 4; readonly exponent: number },
): Promise<boolean> {
  for (let at = start; at < end; at += PIECE_BYTES) {
    const bytes = new Uint8Array(Math.min(PIECE_BYTES, end - at));
    await readFully(handle, bytes, at);
    const length = Math.floor(bytes.length / size);
    const words =
      size === 4 ? new Uint32Array(bytes.buffer, 0, length) : new Uint16Array(bytes.buffer, 0, length);
    for (const word of words) if ((word & exponent) === exponent) return false;
  }
  return true;
}

/** The fields of a message that lies between two offsets (protobuf.dev/programming-guides/encoding). */
async function* fields(handle: FileHandle, from: number, to: number): AsyncGenerator<Field> {
  const head = new Uint8Array(20);
  let at = from;
  while (at < to) {
    const got = (await handle.read(head, 0, Math.min(head.length, to - at), at)).bytesRead;
    const view = head.subarray(0, got);
    const tag = readVarint(view, 0);
    const number = Math.floor(tag.value / 8);
    const wire = tag.value % 8;
    const first = wire === 0 || wire === 2 ? readVarint(view, tag.next) : { value: 0, next: tag.next };
    const start = at + first.next;
    const fixed = wire === 1 ? 8 : wire === 5 ? 4 : 0;
    const end = start + (wire === 2 ? first.value : fixed);
    if (wire === 3 || wire === 4 || wire > 5 || end > to) throw new Error(`no protobuf field at byte ${at}`);
    yield { number, value: first.value, start, end };
    at = end;
  }
}

async function text(handle: FileHandle, { start, end }: Field): Promise<string> {
  const bytes = new Uint8Array(Math.min(end - start, 4096));
  await readFully(handle, bytes, start);
  return Buffer.from(bytes).toString();
}

async function readFully(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let got = 0; got < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, got, bytes.length - got, at + got);
    if (bytesRead === 0) throw new Error('the file is cut short');
    got += bytesRead;
  }
}
