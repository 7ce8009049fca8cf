import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bytesField, floatField, integerField, messageField, stringField } from './protobuf.ts';
import { ELEMENT_TYPES, encodeElements, tensorBytes } from './tensor-data.ts';
import type { ElementType } from './tensor-data.ts';

const IR_VERSION = 8;
const OPSET = 17;

/** Tensors in the side file start on pages, so that a runtime can map them. */
const ALIGNMENT = 4096;

/** `AttributeProto.AttributeType`. */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

/** `TensorProto.DataLocation`. */
const EXTERNAL = 1;

/** A size, or the name of one that is known only when the graph runs. */
export type Dimension = number | string;

/** A number is an int attribute; a float is marked as such. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

interface Weights {
  readonly offset: number;
  readonly bytes: number;
  readonly data: () => Iterable<Uint8Array>;
}

/**
 * Builds an ONNX model (IR version 8, opset 17). Every method that adds a value returns its name. Nodes are added in
 * topological order and have one output each. Field numbers are those of onnx.proto (github.com/onnx/onnx).
 */
export class OnnxGraph {
  readonly #name: string;
  readonly #prefix: string;
  readonly #nodes: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  readonly #constants: Uint8Array[] = [];
  readonly #externals: ((dataFile: string) => Uint8Array)[] = [];
  readonly #weights: Weights[] = [];
  #values = 0;
  #dataBytes = 0;

  /** @param prefix of the names of values, where they must not meet those of another graph */
  constructor(name: string, prefix = '') {
    this.#name = name;
    this.#prefix = prefix;
  }

  /** Bytes of the side file. */
  get dataBytes(): number {
    return this.#dataBytes;
  }

  input(name: string, type: ElementType, shape: readonly Dimension[]): string {
    this.#inputs.push(messageField(11, valueInfo(name, type, shape)));
    return name;
  }

  /** Makes the value of that name an output of the graph. */
  output(name: string, type: ElementType, shape: readonly Dimension[]): void {
    this.#outputs.push(messageField(12, valueInfo(name, type, shape)));
  }

  /** A small tensor, kept in the model file. An empty shape is a scalar. */
  constant(type: ElementType, shape: readonly number[], values: readonly number[]): string {
    const name = this.#fresh('constant');
    const rawData = bytesField(9, encodeElements(type, values));
    this.#constants.push(messageField(5, [...tensorHead(name, type, shape), rawData]));
    return name;
  }

  /**
   * A large tensor, kept in the side file.
   * @param data makes its bytes (little-endian), as many as type and shape need; called when the model is saved
   */
  weights(type: ElementType, shape: readonly number[], data: () => Iterable<Uint8Array>): string {
    const name = this.#fresh('weights');
    const offset = Math.ceil(this.#dataBytes / ALIGNMENT) * ALIGNMENT;
    const bytes = tensorBytes(type, shape);
    this.#dataBytes = offset + bytes;
    this.#weights.push({ offset, bytes, data });
    this.#externals.push((dataFile) =>
      messageField(5, [
        ...tensorHead(name, type, shape),
        externalData('location', dataFile),
        externalData('offset', String(offset)),
        externalData('length', String(bytes)),
        integerField(14, EXTERNAL),
      ]),
    );
    return name;
  }

  /** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = this.#fresh(opType),
  ): string {
    this.#nodes.push(
      messageField(1, [
        ...inputs.map((name) => stringField(1, name)),
        stringField(2, output),
        stringField(3, output),
        stringField(4, opType),
        ...Object.entries(attributes).map(([name, value]) => messageField(5, attribute(name, value))),
      ]),
    );
    return output;
  }

  /** GraphProto's fields of nodes, constants and outputs, to be joined to another graph. Side files stay out. */
  parts(): { readonly nodes: Uint8Array; readonly outputs: Uint8Array } {
    return {
      nodes: Buffer.concat([...this.#nodes, ...this.#constants]),
      outputs: Buffer.concat(this.#outputs),
    };
  }

  /**
   * Writes the model to `path`, and the weights, if there are any, to `path` + `.data`. The two stay together. Runtimes
   * map the side file: do not save over one that is in use.
   */
  async save(path: string): Promise<void> {
    const dataFile = `${path}.data`;
    if (this.#weights.length > 0) {
      await pipeline(Readable.from(this.#sideFile()), createWriteStream(dataFile));
    }
    await writeFile(path, this.#encode(basename(dataFile)));
  }

  /**
   * ModelProto: ir_version 1, producer_name 2, graph 7, opset_import 8 {version 2}. GraphProto: node 1, name 2,
   * initializer 5, input 11, output 12.
   */
  #encode(dataFile: string): Uint8Array {
    const initializers = [...this.#constants, ...this.#externals.map((encode) => encode(dataFile))];
    return Buffer.concat([
      integerField(1, IR_VERSION),
      stringField(2, 'vizavi'),
      messageField(7, [
        ...this.#nodes,
        stringField(2, this.#name),
        ...initializers,
        ...this.#inputs,
        ...this.#outputs,
      ]),
      messageField(8, [integerField(2, OPSET)]),
    ]);
  }

  *#sideFile(): Generator<Uint8Array> {
    let end = 0;
    for (const { offset, bytes, data } of this.#weights) {
      if (offset > end) yield new Uint8Array(offset - end);
      yield* data();
      end = offset + bytes;
    }
  }

  #fresh(kind: string): string {
    this.#values += 1;
    return `${this.#prefix}${kind}_${this.#values}`;
  }
}

/** ValueInfoProto: name 1, type 2. TypeProto: tensor_type 1 {elem_type 1, shape 2 {dim 1 {dim_value 1, dim_param 2}}}. */
function valueInfo(name: string, type: ElementType, shape: readonly Dimension[]): Uint8Array[] {
  const dimensions = shape.map((size) =>
    messageField(1, [typeof size === 'number' ? integerField(1, size) : stringField(2, size)]),
  );
  const tensorType = [integerField(1, ELEMENT_TYPES[type].dataType), messageField(2, dimensions)];
  return [stringField(1, name), messageField(2, [messageField(1, tensorType)])];
}

/** TensorProto: dims 1, data_type 2, name 8; then raw_data 9, or external_data 13 and data_location 14. */
function tensorHead(name: string, type: ElementType, shape: readonly number[]): Uint8Array[] {
  const dims = shape.map((size) => integerField(1, size));
  return [...dims, integerField(2, ELEMENT_TYPES[type].dataType), stringField(8, name)];
}

/** StringStringEntryProto: key 1, value 2. */
function externalData(key: string, value: string): Uint8Array {
  return messageField(13, [stringField(1, key), stringField(2, value)]);
}

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20. */
function attribute(name: string, value: Attribute): Uint8Array[] {
  const head = stringField(1, name);
  if (typeof value === 'number') return [head, integerField(3, value), integerField(20, INT)];
  if (typeof value === 'string') return [head, stringField(4, value), integerField(20, STRING)];
  if ('float' in value) return [head, floatField(2, value.float), integerField(20, FLOAT)];
  return [head, ...value.map((item) => integerField(8, item)), integerField(20, INTS)];
}
