import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildProgress, prebuiltName } from '../../../scripts/setup/media-worker.mjs';

it("uses upstream's names of prebuilt workers", () => {
  const linux = { platform: 'linux', arch: 'x64' };
  expect(prebuiltName('3.27.1', linux, '6.1.0-28-amd64')).toBe(
    'mediasoup-worker-3.27.1-linux-x64-kernel6.tgz',
  );
  const mac = { platform: 'darwin', arch: 'arm64' };
  expect(prebuiltName('3.27.1', mac, '24.1.0')).toBe('mediasoup-worker-3.27.1-darwin-arm64.tgz');
});

it('tells how far a build is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vizavi-test-'));
  try {
    const log = join(folder, 'build.log');
    const script = '[mediasoup-worker] sources: x\n[mediasoup-worker] configuring\n';
    expect(buildProgress('')).toBe('');
    expect(buildProgress(script)).toBe('configuring');
    const compiling = `${script}[mediasoup-worker] compiling with 2 jobs (log: ${log})\n`;
    expect(buildProgress(compiling)).toContain('compiling');
    writeFileSync(log, 'The Meson build system\n[1/279] Compiling a\n[2/279] Compiling b\n');
    expect(buildProgress(compiling)).toBe('[2/279]');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
