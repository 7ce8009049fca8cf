/** Element types by their `TensorProto.DataType` in onnx.proto, and their size. */
export const ELEMENT_TYPES = {
  float32: { dataType: 1, bytes: 4 },
  uint8: { dataType: 2, bytes: 1 },
  int64: { dataType: 7, bytes: 8 },
  float16: { dataType: 10, bytes: 2 },
} as const;

export type ElementType = keyof typeof ELEMENT_TYPES;

const CHUNK_ELEMENTS = 65_536;

/** Size of a tensor in bytes. */
export function tensorBytes(type: ElementType, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, ELEMENT_TYPES[type].bytes);
}

/** Numbers as ONNX `raw_data`: little-endian, float16 rounded to nearest. */
export function encodeElements(type: ElementType, values: ArrayLike<number>): Uint8Array {
  const encoded = {
    float32: () => Float32Array.from(values),
    float16: () => Uint16Array.from(values, halfBits),
    int64: () => BigInt64Array.from(Array.from(values, BigInt)),
    uint8: () => Uint8Array.from(values),
  }[type]();
  return new Uint8Array(encoded.buffer);
}

/**
 * `count` encoded numbers, uniform in −bound…bound, in chunks. The same seed gives the same numbers.
 * Generator: xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
 * @param seed any 32-bit integer
 */
export function* randomElements(
  type: 'float32' | 'float16',
  count: number,
  bound: number,
  seed: number,
): Generator<Uint8Array> {
  let state = seed | 0 || 1;
  for (let done = 0; done < count; done += CHUNK_ELEMENTS) {
    const length = Math.min(CHUNK_ELEMENTS, count - done);
    const values = type === 'float32' ? new Float32Array(length) : new Uint16Array(length);
    for (let index = 0; index < length; index += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const value = (state / 2 ** 31) * bound;
      values[index] = type === 'float32' ? value : halfBits(value);
    }
    yield new Uint8Array(values.buffer);
  }
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The IEEE 754 binary16 pattern nearest to a finite number, infinity beyond its range. */
function halfBits(value: number): number {
  single[0] = value;
  const bits = singleBits[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | Math.round(Math.abs(value) * 2 ** 24);
  const halfway = 0x0fff + ((magnitude >>> 13) & 1);
  return sign | ((magnitude - 0x38000000 + halfway) >>> 13);
}
