/**
 * Fields of a protobuf message in the wire format (protobuf.dev/programming-guides/encoding): a tag of field number and
 * wire type, then the value. A message is its fields one after another.
 */

const VARINT = 0;
const FIXED64 = 1;
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

export interface Field {
  readonly number: number;
  /** Of a varint. */
  readonly value: number;
  /** Of a length-delimited field; empty otherwise. */
  readonly bytes: Uint8Array;
  /** The whole field, with its tag. */
  readonly raw: Uint8Array;
}

/** The fields of a message, in order. @throws Error when it is cut short or is no message */
export function* readFields(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const head = readVarint(message, at);
    const wire = head.value % 8;
    const first =
      wire === VARINT || wire === LENGTH ? readVarint(message, head.next) : { value: 0, next: head.next };
    const size = wire === LENGTH ? first.value : wire === FIXED32 ? 4 : wire === FIXED64 ? 8 : 0;
    const end = first.next + size;
    if (end > message.length || ![VARINT, FIXED64, LENGTH, FIXED32].includes(wire)) {
      throw new Error(`there is no field at byte ${at}`);
    }
    yield {
      number: Math.floor(head.value / 8),
      value: wire === VARINT ? first.value : 0,
      bytes: message.subarray(wire === LENGTH ? first.next : end, end),
      raw: message.subarray(at, end),
    };
    at = end;
  }
}

/** The number that begins at a byte, and where what follows it begins. @throws Error when it is cut short */
export function readVarint(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) break;
    value += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return { value, next: at + index + 1 };
  }
  throw new Error('a number is cut short');
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
