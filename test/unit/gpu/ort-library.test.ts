import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OrtApi } from '../../../gpu/src/cuda/ort-api.ts';
import { findOnnxRuntime, whyNoCuda } from '../../../gpu/src/cuda/ort-library.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vizavi-ort-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("without a folder it takes onnxruntime-node's", () => {
  const { library } = findOnnxRuntime(null);
  expect(library).toContain('onnxruntime-node');
  expect(OrtApi.open(library).version).toMatch(/^1\.\d+\.\d+$/);
});

test('takes the library and its CUDA provider from the folder that it is told', () => {
  const { library } = findOnnxRuntime(null);
  symlinkSync(library, join(folder, 'libonnxruntime.so.1'));
  expect(findOnnxRuntime(folder)).toEqual({
    library: join(folder, 'libonnxruntime.so.1'),
    cudaProvider: null,
  });
  writeFileSync(join(folder, 'libonnxruntime_providers_cuda.so'), '');
  expect(findOnnxRuntime(folder).cudaProvider).toBe(join(folder, 'libonnxruntime_providers_cuda.so'));
});

test.each(['', 'missing'])('names the folder that has no library', (name) => {
  const dir = join(folder, name);
  expect(() => findOnnxRuntime(dir)).toThrow(`ONNX Runtime: there is no libonnxruntime.so in ${dir}`);
});

test('a file that is no library, and a library that is not ONNX Runtime', () => {
  const file = join(folder, 'libonnxruntime.so');
  writeFileSync(file, 'text');
  const thrown = (library: string): unknown => {
    try {
      return OrtApi.open(library);
    } catch (error) {
      return error;
    }
  };
  expect(thrown(file)).toMatchObject({ code: 'unsupported_device' });
  expect(thrown('libm.so.6')).toMatchObject({
    code: 'unsupported_device',
    message: expect.stringContaining('OrtGetApiBase') as string,
  });
});

test('says in one line what CUDA lacks: the provider, or what the loader did not find', () => {
  const { library } = findOnnxRuntime(null);
  expect(whyNoCuda({ library, cudaProvider: null })).toMatch(
    /^ONNX Runtime: there is no libonnxruntime_providers_cuda\.so in /,
  );

  // ONNX Runtime looks beside the file that was loaded, so a link would not do.
  copyFileSync(library, join(folder, basename(library)));
  writeFileSync(join(folder, 'libonnxruntime_providers_cuda.so'), '');
  const why = whyNoCuda(findOnnxRuntime(folder));
  expect(why).toMatch(/^ONNX Runtime [\d.]+, CUDA provider: .*libonnxruntime_providers_\w+\.so: /);
  expect(why).not.toContain('\n');
});
