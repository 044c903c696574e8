import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { boundaryConfigs, TEST_FILES } from './tools/boundaries.mjs';

const testFiles = TEST_FILES.map((pattern) => `**/${pattern}`);

const exportAll = {
  selector: 'ExportAllDeclaration',
  message: 'Export names one by one, so that an entry point shows what it offers.',
};
const processState = {
  selector: 'MemberExpression[object.name="process"][property.name=/^(env|argv)$/]',
  message: 'Read in main.ts only; everything else is handed its configuration.',
};

export default tseslint.config(
  {
    name: 'ignored',
    ignores: ['**/dist/**', 'libs/contracts/src/gen/**', '.cache/**', '.nx/**', '.switchyard/**', 'coverage/**'],
  },
  eslint.configs.recommended,
  tseslint.configs.recommended,
  {
    name: 'everything',
    linterOptions: { noInlineConfig: true },
    rules: {
      'max-lines': ['error', 350],
      'max-lines-per-function': ['error', 80],
      'no-restricted-syntax': ['error', exportAll, processState],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true }],
    },
  },
  {
    name: 'typescript',
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    name: 'plain node',
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'Buffer',
          'URL',
          'performance',
          'fetch',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'AbortSignal',
          'AbortController',
          'TextDecoder',
          'TextEncoder',
          'structuredClone',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  ...boundaryConfigs(),
  {
    name: 'programs: they read their environment and speak to a terminal',
    files: ['**/main.ts', '**/bin/**', 'libs/runtime/**', 'libs/testing/**', 'tools/**', 'test/**', ...testFiles],
    rules: { 'no-restricted-syntax': ['error', exportAll], 'no-console': 'off' },
  },
  {
    name: 'tests',
    files: [...testFiles, 'test/**'],
    rules: { 'max-lines': ['error', 600], 'max-lines-per-function': 'off' },
  },
);
