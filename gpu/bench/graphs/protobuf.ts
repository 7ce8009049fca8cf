/**
 * Fields of a protobuf message in the wire format (protobuf.dev/programming-guides/encoding): a tag of field number and
 * wire type, then the value. A message is its fields one after another.
 */

const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

/** An int64, int32 or enum field; negative numbers as 64-bit two's complement. */
export function integerField(field: number, value: number): Uint8Array {
  return Buffer.concat([tag(field, VARINT), varint(value)]);
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, FIXED32), bytes]);
}

export function bytesField(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([tag(field, LENGTH), varint(value.length), value]);
}

export function stringField(field: number, value: string): Uint8Array {
  return bytesField(field, Buffer.from(value));
}

export function messageField(field: number, fields: readonly Uint8Array[]): Uint8Array {
  return bytesField(field, Buffer.concat(fields));
}

function tag(field: number, wireType: number): Uint8Array {
  return varint(field * 8 + wireType);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
