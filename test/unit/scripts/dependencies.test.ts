import { expect, it } from 'vitest';
import { isInstalled } from '../../../scripts/setup/dependencies.mjs';

const linux = { platform: 'linux', arch: 'x64' };
const library = { version: '1.2.3', integrity: 'sha512-a' };
const native = { version: '1.0.0', integrity: 'sha512-b', optional: true, os: ['linux'], cpu: ['x64'] };
const foreign = { version: '1.0.0', integrity: 'sha512-c', optional: true, os: ['darwin'], cpu: ['arm64'] };
const lock = (packages: Record<string, object>) => ({ packages });
const wanted = lock({ '': {}, library, native, foreign });

it('accepts what was installed from the lockfile, without the packages of other platforms', () => {
  expect(isInstalled(wanted, lock({ library, native }), linux)).toBe(true);
});

it('notices a package that is missing, and one of another version or content', () => {
  expect(isInstalled(wanted, lock({ native }), linux)).toBe(false);
  expect(isInstalled(wanted, lock({ native, library: { ...library, version: '1.2.4' } }), linux)).toBe(false);
  expect(isInstalled(wanted, lock({ native, library: { ...library, integrity: 'sha512-x' } }), linux)).toBe(
    false,
  );
});

it('notices packages that were installed on another system', () => {
  expect(isInstalled(wanted, lock({ library, foreign }), linux)).toBe(false);
  expect(isInstalled(wanted, lock({ library, native: { ...native, os: ['!linux'] } }), linux)).toBe(false);
});
