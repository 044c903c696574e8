// The one jest preset of the workspace: ESM TypeScript, and the dependencies that are ESM only, become CommonJS through swc.
// (otlp-exporter-base is CommonJS, but imports dynamically, which jest's CommonJS runtime cannot do untransformed.)
const esmOnly = [
  '@nestjs',
  'jose',
  'oidc-provider',
  'openid-client',
  'oauth4webapi',
  '@modelcontextprotocol',
  'undici',
  '@opentelemetry/otlp-exporter-base',
  'hyparquet',
  'hyparquet-writer',
].join('|');

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
  testEnvironment: 'node',
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
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly})/)`],
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
  testTimeout: 30_000,
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/'],
};
