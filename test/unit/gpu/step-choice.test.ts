import { describe, expect, it } from 'vitest';
import { chooseSteps } from '../../../gpu/src/step-choice.ts';
import { FAKE_BUNDLE } from '../../support/fake-model-runner.ts';

const bundle = {
  ...FAKE_BUNDLE,
  generator: { ...FAKE_BUNDLE.generator, file: '/two', steps: 2, variants: { '1': '/one', '4': '/four' } },
};

describe('chooseSteps', () => {
  it('begins with the default of the bundle and falls back on the fewest', () => {
    expect(chooseSteps(bundle, 'auto')).toEqual({ file: '/two', steps: 2, fewestFile: '/one' });
  });

  it('takes another number where the bundle has it', () => {
    expect(chooseSteps(bundle, 4)).toEqual({ file: '/four', steps: 4, fewestFile: '/one' });
    expect(chooseSteps(bundle, 1)).toEqual({ file: '/one', steps: 1, fewestFile: null });
  });

  it('says what there is when asked for what is not', () => {
    expect(() => chooseSteps(bundle, 3)).toThrow(/no generator with 3 steps, only with: 1, 2, 4/);
  });

  it('has nothing to fall back on in a bundle of one generator', () => {
    expect(chooseSteps(FAKE_BUNDLE, 'auto').fewestFile).toBeNull();
  });
});
