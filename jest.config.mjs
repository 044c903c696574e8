// The one jest preset of the workspace: TypeScript becomes CommonJS through swc; packages of npm are loaded as they are (ADR 0088).
const swc = [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      target: 'es2024',
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
      keepClassNames: true,
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];

export default {
  testEnvironment: '<rootDir>/tools/jest-environment.mjs',
  runtime: '<rootDir>/tools/jest-runtime.mjs',
  rootDir: import.meta.dirname,
  testMatch: ['<rootDir>/libs/**/src/**/*.test.ts', '<rootDir>/services/**/src/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: [
    '/node_modules/',
    // Needs a container engine: `npm run e2e:compose` runs it.
    '<rootDir>/test/e2e/compose\\.test\\.ts$',
    // Against programs that are downloaded or built with Go: `npm run receivers` runs it.
    '\\.receiver\\.test\\.ts$',
  ],
  transform: { '^.+\\.(ts|mjs|cjs|js)$': swc },
  moduleNameMapper: {
    '^@switchyard/(aws|contracts|mcp|messaging|state|egress|oauth|runtime|telemetry|audit|testing|api-keys|admin-api|gateway-config|platform|pages)$':
      '<rootDir>/libs/$1/src/index.ts',
    '^@switchyard/contracts/catalogue$': '<rootDir>/libs/contracts/src/catalogue.ts',
    '^@switchyard/([a-z-]+)$': '<rootDir>/services/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  globalSetup: '<rootDir>/libs/testing/src/global-setup.ts',
  testSequencer: '<rootDir>/tools/jest-sequencer.mjs',
  globalTeardown: '<rootDir>/libs/testing/src/global-teardown.ts',
  // A test that waits for what never comes says so itself; this is for those that hang.
  testTimeout: 120_000,
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
};
