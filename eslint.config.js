import { defineConfig, globalIgnores } from 'eslint/config';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { architectureRule } from './scripts/architecture-rule.mjs';

const architecture = { rules: { imports: architectureRule } };

export default defineConfig(
  globalIgnores(['**/dist/', 'coverage/', 'gpu/bundles/']),
  {
    files: ['**/*.{ts,js,mjs}'],
    plugins: { architecture, 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.mjs', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.mjs', '.js'] })],
    },
    rules: {
      'architecture/imports': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': ['error', { considerQueryString: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // A function that promises must not throw: async without await is the short way to that.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    files: ['*/src/**', 'gpu/bench/**', 'gpu/cli/**', 'gpu/onnx/**', 'gpu/simulator/**', 'gpu/studio/**'],
    rules: {
      'import-x/no-default-export': 'error',
      'max-lines': ['error', { max: 350 }],
    },
  },
  {
    // Geometry: loops over arrays whose lengths belong together.
    files: ['gpu/studio/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['test/**', 'load/**'],
    rules: {
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
