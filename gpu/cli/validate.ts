import { loadAvatarBundle } from '../src/avatar-bundle.ts';
import { OnnxModelRunner } from '../src/onnx-model-runner.ts';

/**
 * All that a worker checks: manifest, files, hashes, and each network by running it, with each decoder.
 *
 * @returns lines to print
 * @throws VizaviError `invalid_bundle` naming the field, `unsupported_device`
 */
export async function validate(dir: string): Promise<string[]> {
  const bundle = await loadAvatarBundle(dir);
  const lines = [`${bundle.id}: manifest and files are whole`];
  for (const decoder of Object.keys(bundle.decoder.variants)) {
    const runner = new OnnxModelRunner({ decoder });
    try {
      await runner.load(bundle);
      lines.push(`${bundle.id}: runs with decoder ${decoder}`);
    } finally {
      await runner.close();
    }
  }
  return lines;
}
