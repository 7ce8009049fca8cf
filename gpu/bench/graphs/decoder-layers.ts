import type { OnnxGraph } from '../../onnx/onnx-graph.ts';
import { randomElements } from '../../onnx/tensor-data.ts';

/** Frames that a causal convolution remembers: its kernel spans these and the present one. */
const REMEMBERED_FRAMES = 2;

/** The smallest norm that is divided by; a normal number also in float16. */
const SMALLEST_NORM = 1e-4;

export type Precision = 'float32' | 'float16';

/** A value of the graph of shape [frames, channels, height, width]. */
export interface Feature {
  readonly name: string;
  readonly frames: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** What a causal convolution saw last: the output of one run is the input of the next, zeros for the first. */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  readonly shape: readonly [frames: number, channels: number, height: number, width: number];
}

/**
 * The layers of a causal video decoder with random weights. Time is the first axis, where a network for pictures has its
 * batch: no layer transposes pictures, and every convolution is a 2D one, the kind that runtimes know best.
 */
export class DecoderLayers {
  readonly states: StateTensor[] = [];
  /** Floating-point operations of all convolutions and matrix products so far; a multiply-add is two. */
  flops = 0;
  readonly #graph: OnnxGraph;
  readonly #precision: Precision;
  readonly #seed: number;
  #tensors = 0;

  constructor(graph: OnnxGraph, precision: Precision, seed: number) {
    this.#graph = graph;
    this.#precision = precision;
    this.#seed = seed;
  }

  /** A convolution of each frame by itself; the size of the picture stays. */
  conv(x: Feature, channels: number, kernel: 1 | 3): Feature {
    const fanIn = x.channels * kernel ** 2;
    const weights = this.#weights([channels, x.channels, kernel, kernel], fanIn);
    const bias = this.#weights([channels], fanIn);
    const border = (kernel - 1) / 2;
    this.flops += 2 * fanIn * channels * x.frames * x.height * x.width;
    const name = this.#graph.node('Conv', [x.name, weights, bias], {
      pads: [border, border, border, border],
    });
    return { ...x, channels, name };
  }

  /**
   * A 3D convolution over this frame and the two before, 3 × kernel × kernel. The three frames of a window are made
   * channels of one by a Gather, so it is a 2D convolution over [before last, last, present] × channels: the same
   * products, and the same weights in the order [out, frame, in, y, x].
   */
  causalConv(x: Feature, channels: number, kernel: 1 | 3): Feature {
    const { frames, height, width } = x;
    const shape = [REMEMBERED_FRAMES, x.channels, height, width] as const;
    const index = this.states.length;
    const state = { input: `state_${index}`, output: `next_state_${index}`, shape };
    this.states.push(state);
    this.#graph.input(state.input, this.#precision, shape);
    this.#graph.output(state.output, this.#precision, shape);

    const history = this.#graph.node('Concat', [state.input, x.name], { axis: 0 });
    const last = Array.from({ length: REMEMBERED_FRAMES }, (_, frame) => frames + frame);
    this.#graph.node('Gather', [history, this.#integers(last)], { axis: 0 }, state.output);
    const windows = Array.from({ length: frames }, (_, frame) => [frame, frame + 1, frame + 2]);
    const gathered = this.#graph.node(
      'Gather',
      [history, this.#graph.constant('int64', [frames, 3], windows.flat())],
      { axis: 0 },
    );
    const stacked = this.reshape(gathered, [frames, 3 * x.channels, height, width]);
    return this.conv({ ...x, channels: 3 * x.channels, name: stacked }, channels, kernel);
  }

  /** Norm, SiLU and a causal 3×3×3 convolution, twice, added to the input. */
  residual(x: Feature, channels: number): Feature {
    const shortcut = x.channels === channels ? x : this.conv(x, channels, 1);
    const main = this.activatedConv(this.activatedConv(x, channels), channels);
    return { ...main, name: this.#graph.node('Add', [main.name, shortcut.name]) };
  }

  activatedConv(x: Feature, channels: number): Feature {
    const normed = this.#rmsNorm(x);
    const gate = this.#graph.node('Sigmoid', [normed]);
    return this.causalConv({ ...x, name: this.#graph.node('Mul', [normed, gate]) }, channels, 3);
  }

  /** Single-head attention within each frame, added to the input. */
  attention(x: Feature): Feature {
    const { frames, channels, height, width } = x;
    const pixels = height * width;
    const qkv = this.conv({ ...x, name: this.#rmsNorm(x) }, 3 * channels, 1);
    const parts = this.reshape(qkv.name, [frames, 3, channels, pixels]);
    const [query, key, value] = [0, 1, 2].map((part) =>
      this.#graph.node('Gather', [parts, this.#graph.constant('int64', [], [part])], { axis: 1 }),
    ) as [string, string, string];
    const rows = (name: string): string => this.#graph.node('Transpose', [name], { perm: [0, 2, 1] });
    const scaled = this.#graph.node('Mul', [rows(query), this.#scalar(channels ** -0.5)]);
    const shares = this.#graph.node('Softmax', [this.#graph.node('MatMul', [scaled, key])], { axis: -1 });
    const mixed = rows(this.#graph.node('MatMul', [shares, rows(value)]));
    this.flops += 4 * frames * pixels ** 2 * channels;
    const projected = this.conv(
      { ...x, name: this.reshape(mixed, [frames, channels, height, width]) },
      channels,
      1,
    );
    return { ...x, name: this.#graph.node('Add', [projected.name, x.name]) };
  }

  /** Twice the frames: a causal convolution over time makes two of each. */
  upsampleTime(x: Feature): Feature {
    const pairs = this.causalConv(x, 2 * x.channels, 1);
    const frames = 2 * x.frames;
    return { ...x, frames, name: this.reshape(pairs.name, [frames, x.channels, x.height, x.width]) };
  }

  /** Twice the height and width (nearest neighbour), then a 3×3 convolution to half the channels. */
  upsampleSpace(x: Feature): Feature {
    const scales = this.#graph.constant('float32', [4], [1, 1, 2, 2]);
    const name = this.#graph.node('Resize', [x.name, '', scales], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    return this.conv({ ...x, name, height: 2 * x.height, width: 2 * x.width }, x.channels / 2, 3);
  }

  reshape(name: string, shape: readonly number[]): string {
    return this.#graph.node('Reshape', [name, this.#integers(shape)]);
  }

  /** x / ‖x‖ · √C · gain, the norm taken over the channels of a pixel. */
  #rmsNorm({ name, channels }: Feature): string {
    const norm = this.#graph.node('ReduceL2', [name], { axes: [1] });
    const divisor = this.#graph.node('Max', [norm, this.#scalar(SMALLEST_NORM)]);
    const gain = Array<number>(channels).fill(Math.sqrt(channels));
    return this.#graph.node('Mul', [
      this.#graph.node('Div', [name, divisor]),
      this.#graph.constant(this.#precision, [channels, 1, 1], gain),
    ]);
  }

  /** Uniform, of variance 1 / fanIn: a layer keeps the size of its input. */
  #weights(shape: readonly number[], fanIn: number): string {
    const count = shape.reduce((product, size) => product * size);
    this.#tensors += 1;
    const seed = Math.imul(this.#tensors, 0x9e3779b1) ^ this.#seed;
    return this.#graph.weights(this.#precision, shape, () =>
      randomElements(this.#precision, count, Math.sqrt(3 / fanIn), seed),
    );
  }

  #integers(values: readonly number[]): string {
    return this.#graph.constant('int64', [values.length], values);
  }

  #scalar(value: number): string {
    return this.#graph.constant(this.#precision, [], [value]);
  }
}
