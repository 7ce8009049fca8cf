import type { Dimension, TensorSpec } from '../manifest.ts';
import { addressOf } from './ort-api.ts';
import { bytesOf, OrtBinding } from './ort-session.ts';
import type { BoundTensor, OrtSession } from './ort-session.ts';

/** What a manifest says of a network. */
export interface NetworkSpec {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** A network and its bindings, one for each number of frames. */
export class OrtNetwork {
  readonly session: OrtSession;
  readonly #spec: NetworkSpec;
  readonly #bindings = new Map<number, OrtBinding>();

  constructor(session: OrtSession, spec: NetworkSpec) {
    this.session = session;
    this.#spec = spec;
  }

  binding(frames: number): OrtBinding {
    let binding = this.#bindings.get(frames);
    if (!binding) {
      binding = new OrtBinding(this.session, this.#tensors(frames));
      this.#bindings.set(frames, binding);
    }
    return binding;
  }

  /** Runs it once with zeros. Host memory does for that, whatever the provider. @throws OrtError */
  tryOut(frames: number): void {
    const tensors = this.#tensors(frames);
    const memory = tensors.map((tensor) => new Uint8Array(bytesOf(tensor)));
    const binding = new OrtBinding(this.session, tensors, 'host');
    try {
      for (const [index, { name }] of tensors.entries()) {
        binding.place(name, addressOf(memory[index] as Uint8Array));
      }
      binding.run();
    } finally {
      binding.close();
    }
  }

  close(): void {
    for (const binding of this.#bindings.values()) binding.close();
    this.#bindings.clear();
    this.session.close();
  }

  #tensors(frames: number): BoundTensor[] {
    const bound =
      (side: BoundTensor['side']) =>
      ({ name, dtype, shape }: TensorSpec): BoundTensor => ({
        name,
        side,
        type: dtype,
        shape: shape.map((length) => resolve(length, frames)),
      });
    return [...this.#spec.inputs.map(bound('Input')), ...this.#spec.outputs.map(bound('Output'))];
  }
}

/** A dimension of the manifest for a number of frames: `5`, `T`, `640*T`. */
function resolve(dimension: Dimension, frames: number): number {
  return typeof dimension === 'number' ? dimension : (parseInt(dimension) || 1) * frames;
}
