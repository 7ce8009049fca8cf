import { VizaviError } from '@vizavi/signaling';
import { DecoderLayers } from './decoder-layers.ts';
import type { Feature, Precision, StateTensor } from './decoder-layers.ts';
import { appendI420Tail } from '../../onnx/i420-tail.ts';
import { OnnxGraph } from '../../onnx/onnx-graph.ts';
import { ELEMENT_TYPES, tensorBytes } from '../../onnx/tensor-data.ts';

/** Frames that one latent frame becomes. */
export const FRAMES_PER_LATENT = 4;

/** Pixels to a latent, in each direction. */
const SPACE_SCALE = 8;
const LATENT_CHANNELS = 16;
const BLOCKS_PER_STAGE = 3;

/** Width of the published decoder's last stage. */
const PUBLISHED_CHANNELS = 96;

/** The stages of the published decoder: channels in units of the base width, and what is doubled after it. */
const STAGES = [
  { width: 4, doubles: 'time and space' },
  { width: 4, doubles: 'time and space' },
  { width: 2, doubles: 'space' },
  { width: 1, doubles: 'nothing' },
] as const;

export interface WanLikeDecoderOptions {
  /** Size of the picture, multiples of 8. */
  readonly width: number;
  readonly height: number;
  /** Width of the last stage, even; the cost grows with its square. Default 96, as published. */
  readonly channels?: number;
  /** Of weights, latents and state. */
  readonly precision: Precision;
  /** `rgb`: output `rgb`, float32 [4, 3, H, W] of −1…1; `i420`: outputs `y`, `u`, `v`, uint8, of {@link appendI420Tail}. */
  readonly output: 'rgb' | 'i420';
  /** Of the weights; the same seed gives the same files. Default 1. */
  readonly seed?: number;
}

export interface WanLikeDecoder {
  readonly graph: OnnxGraph;
  /** Shape of the input `latents`: [1, 16, 1, H/8, W/8], one latent frame. */
  readonly latentShape: readonly [number, number, number, number, number];
  readonly states: readonly StateTensor[];
  /** Bytes of all state tensors together. */
  readonly stateBytes: number;
  /** Bytes of all weights. */
  readonly weightBytes: number;
  /** Convolutions and matrix products; a multiply-add is two operations. */
  readonly flopsPerLatentFrame: number;
}

/**
 * A causal video decoder of the size and layout of the Wan 2.1 VAE, which the 14B models of Wan 2.2 use too
 * (github.com/Wan-Video/Wan2.2, wan/modules/vae2_1.py; arXiv:2503.20314), with random weights: for times, not for
 * pictures. Each run takes one latent frame and the state and makes four frames and the next state. The published decoder
 * makes one frame of the first latent frame; this one makes four of it, the state being zeros.
 */
export function wanLikeDecoder(options: WanLikeDecoderOptions): WanLikeDecoder {
  const { width, height, precision } = options;
  const channels = options.channels ?? PUBLISHED_CHANNELS;
  if (width % SPACE_SCALE !== 0 || height % SPACE_SCALE !== 0 || channels % 2 !== 0) {
    throw new VizaviError('invalid_config', 'Width and height must be multiples of 8, and channels even.');
  }
  const graph = new OnnxGraph('wan_like_decoder');
  const layers = new DecoderLayers(graph, precision, options.seed ?? 1);
  const size = { height: height / SPACE_SCALE, width: width / SPACE_SCALE };
  const latentShape = [1, LATENT_CHANNELS, 1, size.height, size.width] as const;
  const name = layers.reshape(graph.input('latents', precision, latentShape), [
    1,
    LATENT_CHANNELS,
    size.height,
    size.width,
  ]);
  const decoded = decode(layers, { name, frames: 1, channels: LATENT_CHANNELS, ...size }, channels);
  appendOutput(graph, decoded, options.output);
  const stateBytes = layers.states.map(({ shape }) => tensorBytes(precision, shape));
  return {
    graph,
    latentShape,
    states: layers.states,
    stateBytes: stateBytes.reduce((sum, bytes) => sum + bytes),
    weightBytes: graph.dataBytes,
    flopsPerLatentFrame: layers.flops,
  };
}

function decode(layers: DecoderLayers, latents: Feature, channels: number): Feature {
  const widest = STAGES[0].width * channels;
  let x = layers.causalConv(layers.conv(latents, LATENT_CHANNELS, 1), widest, 3);
  x = layers.residual(layers.attention(layers.residual(x, widest)), widest);
  for (const { width, doubles } of STAGES) {
    for (let block = 0; block < BLOCKS_PER_STAGE; block += 1) x = layers.residual(x, width * channels);
    if (doubles === 'time and space') x = layers.upsampleTime(x);
    if (doubles !== 'nothing') x = layers.upsampleSpace(x);
  }
  return layers.activatedConv(x, 3);
}

function appendOutput(graph: OnnxGraph, { name, height, width }: Feature, output: 'rgb' | 'i420'): void {
  const single = graph.node('Cast', [name], { to: ELEMENT_TYPES.float32.dataType });
  const limits = [-1, 1].map((limit) => graph.constant('float32', [], [limit]));
  const rgb = graph.node('Clip', [single, ...limits], {}, 'rgb');
  if (output === 'i420') {
    appendI420Tail(graph, rgb, { frames: FRAMES_PER_LATENT, height, width, range: 'signed' });
  } else {
    graph.output(rgb, 'float32', [FRAMES_PER_LATENT, 3, height, width]);
  }
}
