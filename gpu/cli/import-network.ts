import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { VizaviError } from '@vizavi/signaling';
import { appendI420Tail } from '../onnx/i420-tail.ts';
import { OnnxGraph } from '../onnx/onnx-graph.ts';
import { messageField, readFields } from '../onnx/protobuf.ts';
import { ELEMENT_TYPES } from '../onnx/tensor-data.ts';

export interface ImportOptions {
  readonly file: string;
  readonly out: string;
  /** What black and white are in the network's pictures: 0 and 1, or −1 and 1. */
  readonly range: 'unit' | 'signed';
  /** The output that holds the pictures; may be left out where there is but one. */
  readonly output?: string | undefined;
  /** Of a picture, where the network leaves it open. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** Field numbers of onnx.proto (github.com/onnx/onnx). */
const MODEL = { graph: 7, opset: 8 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const GRAPH_OUTPUT = 12;
/** Squeeze and Unsqueeze take their axes as an input from this opset on. */
const LEAST_OPSET = 13;
const PREFIX = 'vizavi_tail_';

interface Output {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly (number | null)[];
}

/**
 * Gives a network whose pictures are RGB in float32 or float16 the outputs `y`, `u`, `v` in their place. Pictures are
 * [T, 3, H, W], or [1, 3, T, H, W] as video models have them.
 *
 * @returns lines to print
 * @throws VizaviError `invalid_bundle` that says what does not fit
 */
export async function importNetwork(options: ImportOptions): Promise<string[]> {
  const { file, out, range } = options;
  const model = await readFile(file);
  const { graph, opset, rest } = take(model, file);
  if (opset < LEAST_OPSET) throw fault(file, `is of opset ${opset}; export it with ${LEAST_OPSET} or more`);
  const outputs = [...readFields(graph)]
    .filter(({ number }) => number === GRAPH_OUTPUT)
    .map(({ bytes }) => describe(bytes));
  const pictures = choose(outputs, options);
  const [height, width] = size(pictures, options);
  const tail = new OnnxGraph('tail', PREFIX);
  appendI420Tail(tail, toBatch(tail, pictures, height, width), { frames: 'T', height, width, range });
  const { nodes, outputs: planes } = tail.parts();
  const kept = [...readFields(graph)].filter(
    ({ number, bytes }) => number !== GRAPH_OUTPUT || describe(bytes).name !== pictures.name,
  );
  const joined = messageField(MODEL.graph, [...kept.map(({ raw }) => raw), nodes, planes]);
  const bytes = Buffer.concat([...rest, joined]);
  await writeFile(out, bytes);
  return [
    `${out}: "${pictures.name}" has become y, u, v of ${width}×${height}`,
    'For the manifest:',
    JSON.stringify({
      file: basename(out),
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
    }),
  ];
}

function take(model: Uint8Array, file: string): { graph: Uint8Array; opset: number; rest: Uint8Array[] } {
  const graphs: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  let opset = 0;
  try {
    for (const { number, bytes, raw } of readFields(model)) {
      if (number === MODEL.graph) graphs.push(bytes);
      else rest.push(raw);
      if (number !== MODEL.opset) continue;
      const entry = new Map([...readFields(bytes)].map((field) => [field.number, field]));
      if ((entry.get(OPSET.domain)?.bytes.length ?? 0) === 0) opset = entry.get(OPSET.version)?.value ?? 0;
    }
  } catch (cause) {
    throw fault(file, `is no ONNX file: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (graphs.length === 0) throw fault(file, 'is no ONNX file: it has no graph');
  return { graph: Buffer.concat(graphs), opset, rest };
}

/** ValueInfoProto: name 1, type 2. TypeProto: tensor_type 1 {elem_type 1, shape 2 {dim 1 {dim_value 1}}}. */
function describe(valueInfo: Uint8Array): Output {
  let name = '';
  let type = 0;
  const shape: (number | null)[] = [];
  for (const info of readFields(valueInfo)) {
    if (info.number === 1) name = Buffer.from(info.bytes).toString();
    if (info.number !== 2) continue;
    for (const tensor of inner(info.bytes, 1)) {
      if (tensor.number === 1) type = tensor.value;
      if (tensor.number !== 2) continue;
      for (const dimension of readFields(tensor.bytes)) {
        shape.push([...readFields(dimension.bytes)].find(({ number }) => number === 1)?.value ?? null);
      }
    }
  }
  return { name, type, shape };
}

function inner(message: Uint8Array, number: number): ReturnType<typeof readFields> | never[] {
  const field = [...readFields(message)].find((each) => each.number === number);
  return field ? readFields(field.bytes) : [];
}

function choose(outputs: readonly Output[], { file, output }: ImportOptions): Output {
  const found = output === undefined ? outputs : outputs.filter(({ name }) => name === output);
  const [pictures] = found;
  const names = outputs.map(({ name }) => name).join(', ');
  if (!pictures) throw fault(file, `has no output "${output ?? ''}", only: ${names}`);
  if (found.length > 1)
    throw fault(file, `has several outputs; say with --output which holds the pictures: ${names}`);
  const { type, shape } = pictures;
  if (type !== ELEMENT_TYPES.float32.dataType && type !== ELEMENT_TYPES.float16.dataType) {
    throw fault(file, `"${pictures.name}" is neither float32 nor float16`);
  }
  const channels = shape[1];
  if ((shape.length !== 4 && shape.length !== 5) || (channels !== 3 && channels !== null)) {
    throw fault(file, `"${pictures.name}" is neither [T, 3, H, W] nor [1, 3, T, H, W]`);
  }
  return pictures;
}

function size({ shape, name }: Output, { file, width, height }: ImportOptions): [number, number] {
  const found = [shape.at(-2) ?? height, shape.at(-1) ?? width];
  const [h, w] = found;
  if (h === undefined || w === undefined)
    throw fault(file, `"${name}" leaves its size open; say --width and --height`);
  if (h % 2 !== 0 || w % 2 !== 0) throw fault(file, `pictures of ${w}×${h} have no whole chroma planes`);
  return [h, w];
}

/** The name of the pictures as float32 [T, 3, H, W]. */
function toBatch(tail: OnnxGraph, { name, type, shape }: Output, height: number, width: number): string {
  let value = name;
  if (type === ELEMENT_TYPES.float16.dataType) {
    value = tail.node('Cast', [value], { to: ELEMENT_TYPES.float32.dataType });
  }
  if (shape.length === 4) return value;
  const frames = tail.node('Transpose', [value], { perm: [0, 2, 1, 3, 4] });
  return tail.node('Reshape', [frames, tail.constant('int64', [4], [-1, 3, height, width])]);
}

function fault(file: string, problem: string): VizaviError {
  return new VizaviError('invalid_bundle', `${file}: ${problem}`);
}
