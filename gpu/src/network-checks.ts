import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import { invalidBundle } from './manifest.ts';
import type { Dimension, TensorSpec } from './manifest.ts';

/** What a network itself says of one of its inputs or outputs. A dimension that it leaves open is no number. */
export type NetworkTensor =
  | { readonly name: string; readonly isTensor: false }
  | {
      readonly name: string;
      readonly isTensor: true;
      readonly type: string;
      readonly shape: readonly (number | string | null)[];
    };

/** Where in the manifest networks are described. */
export const GENERATOR = ['networks', 'generator'] as const;
export const DECODER = ['networks', 'decoder'] as const;

interface Network {
  readonly inputs: readonly NetworkTensor[];
  readonly outputs: readonly NetworkTensor[];
}

interface NetworkSpec {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/**
 * Compares the manifest's description with the network's own.
 *
 * @throws VizaviError `invalid_bundle` naming the field
 */
export function checkNetwork(
  bundle: AvatarBundle,
  path: readonly string[],
  spec: NetworkSpec,
  network: Network,
): void {
  checkTensors(bundle, [...path, 'inputs'], spec.inputs, network.inputs);
  checkTensors(bundle, [...path, 'outputs'], spec.outputs, network.outputs);
  const missing = network.inputs.find(({ name }) => !spec.inputs.some((input) => input.name === name));
  if (missing) {
    throw invalidBundle(bundle.id, [...path, 'inputs'], `the network also needs "${missing.name}"`);
  }
}

function checkTensors(
  bundle: AvatarBundle,
  path: readonly string[],
  specs: readonly TensorSpec[],
  actual: readonly NetworkTensor[],
): void {
  const fits = (spec: Dimension, real: number | string | null | undefined): boolean =>
    typeof real !== 'number' ? real !== undefined : real === spec;
  for (const [index, { name, dtype, shape }] of specs.entries()) {
    const real = actual.find((tensor) => tensor.name === name);
    const fault = (key: string, problem: string): VizaviError =>
      invalidBundle(bundle.id, [...path, index, key], problem);
    if (!real?.isTensor) throw fault('name', `the network has no tensor "${name}"`);
    if (real.type !== dtype)
      throw fault('dtype', `of "${name}" is ${dtype}, but the network has ${real.type}`);
    if (
      real.shape.length !== shape.length ||
      !shape.every((length, axis) => fits(length, real.shape[axis]))
    ) {
      const found = real.shape.map((length) => length ?? 'any').join(', ');
      throw fault('shape', `of "${name}" is [${shape.join(', ')}], but the network has [${found}]`);
    }
  }
}

/**
 * Opens the decoders that this device can run; the others are left out.
 *
 * @param wanted a variant by name, or `auto`
 * @param open throws `invalid_bundle` for a fault of the bundle, and anything else for what this device cannot run
 * @param withFinest the device has time to spare: without that the finest decoder stays closed unless it is wanted by name
 * @returns the decoders and which of them to begin with
 * @throws VizaviError `invalid_bundle`; `unsupported_device` when the wanted one, or every one, cannot run
 */
export async function openDecoders<D>(
  bundle: AvatarBundle,
  wanted: string,
  open: (name: string, file: string) => Promise<D>,
  withFinest = false,
): Promise<{ decoders: Map<string, D>; first: string }> {
  const { variants } = bundle.decoder;
  if (wanted !== 'auto' && variants[wanted] === undefined) {
    const known = Object.keys(variants).join(', ');
    const problem = `${bundle.id} has no decoder "${wanted}", only: auto, ${known}`;
    throw new VizaviError('unsupported_device', problem);
  }
  const decoders = new Map<string, D>();
  const refused = new Map<string, unknown>();
  for (const [name, file] of Object.entries(variants)) {
    if (name === bundle.decoder.finest && name !== wanted && !withFinest) continue;
    try {
      decoders.set(name, await open(name, file));
    } catch (error) {
      if (error instanceof VizaviError && error.code === 'invalid_bundle') throw error;
      refused.set(name, error);
    }
  }
  const first = wanted === 'auto' ? [...decoders.keys()][0] : wanted;
  if (first !== undefined && decoders.has(first)) return { decoders, first };
  const names = wanted === 'auto' ? Object.keys(variants) : [wanted];
  throw unsupported(bundle, `decoder "${names.join('", "')}"`, refused.get(names[0] ?? ''));
}

export function unsupported(bundle: AvatarBundle, what: string, cause: unknown): VizaviError {
  const problem = (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ');
  return new VizaviError('unsupported_device', `${bundle.id}: this device cannot run ${what}: ${problem}`, {
    cause,
  });
}
