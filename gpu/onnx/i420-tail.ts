import type { Dimension, OnnxGraph } from './onnx-graph.ts';
import { ELEMENT_TYPES } from './tensor-data.ts';

export interface RgbPictures {
  readonly frames: Dimension;
  /** Even. */
  readonly height: number;
  /** Even. */
  readonly width: number;
  /** What black and white are: `unit` 0 and 1, `signed` −1 and 1. */
  readonly range: 'unit' | 'signed';
}

interface Plane {
  readonly name: string;
  /** Shares of red, green and blue. */
  readonly rgb: readonly [number, number, number];
  /** Value = zero + swing × shares · RGB (of 0…1), within low…high. */
  readonly swing: number;
  readonly zero: number;
  readonly low: number;
  readonly high: number;
}

/** Shares in luma (ITU-R BT.601-7 §2.5.1). */
const KR = 0.299;
const KG = 0.587;
const KB = 0.114;
/** The colour differences scaled to −0.5…0.5 (§2.5.2). */
const CB = 2 * (1 - KB);
const CR = 2 * (1 - KR);

/** 8-bit levels (§2.5.3). */
const LUMA: Plane = { name: 'y', rgb: [KR, KG, KB], swing: 219, zero: 16, low: 16, high: 235 };
const CHROMA: readonly Plane[] = [
  { name: 'u', rgb: [-KR / CB, -KG / CB, (1 - KB) / CB], swing: 224, zero: 128, low: 16, high: 240 },
  { name: 'v', rgb: [(1 - KR) / CR, -KG / CR, -KB / CR], swing: 224, zero: 128, low: 16, high: 240 },
];

/**
 * Appends the conversion to I420 to a graph: `y` [T, H, W], `u` and `v` [T, H/2, W/2], uint8, which become outputs of the
 * graph. BT.601, limited range; a chroma sample is that of the mean of its four pixels.
 * @param rgb name of the pictures, float32 [T, 3, H, W]; colours beyond the limited range are clipped
 */
export function appendI420Tail(graph: OnnxGraph, rgb: string, pictures: RgbPictures): void {
  const { frames, height, width, range } = pictures;
  appendPlane(graph, rgb, LUMA, range);
  graph.output(LUMA.name, 'uint8', [frames, height, width]);
  const halved = graph.node('AveragePool', [rgb], { kernel_shape: [2, 2], strides: [2, 2] });
  for (const plane of CHROMA) {
    appendPlane(graph, halved, plane, range);
    graph.output(plane.name, 'uint8', [frames, height / 2, width / 2]);
  }
}

function appendPlane(graph: OnnxGraph, rgb: string, plane: Plane, range: RgbPictures['range']): void {
  // A signed colour c is (c + 1) / 2: half the weights, and the other half of their sum joins the bias.
  const scale = range === 'signed' ? plane.swing / 2 : plane.swing;
  const shift = range === 'signed' ? scale * plane.rgb.reduce((sum, share) => sum + share) : 0;
  const weights = plane.rgb.map((share) => share * scale);
  const levels = graph.node('Conv', [
    rgb,
    graph.constant('float32', [1, 3, 1, 1], weights),
    graph.constant('float32', [1], [plane.zero + shift]),
  ]);
  const limits = [plane.low, plane.high].map((level) => graph.constant('float32', [], [level]));
  const rounded = graph.node('Round', [graph.node('Clip', [levels, ...limits])]);
  const bytes = graph.node('Cast', [rounded], { to: ELEMENT_TYPES.uint8.dataType });
  graph.node('Squeeze', [bytes, graph.constant('int64', [1], [1])], {}, plane.name);
}
