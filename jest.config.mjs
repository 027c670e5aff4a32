import { availableParallelism } from 'node:os';

// Specs run from source: SWC compiles them (with the decorator metadata Nest needs) and the export
// condition `@vitae/source` leads an import of `@vitae/x` to its src/index.ts. Nothing has to be built.
const swc = [
  '@swc/jest',
  {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
      target: 'es2024',
      keepClassNames: true,
      experimental: { keepImportAttributes: true },
    },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  },
];

export default {
  rootDir: '.',
  testMatch: ['<rootDir>/{libs,services,deploy/local,test}/**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/(libs|services|deploy|test)/.*/?dist/'],
  testEnvironment: '<rootDir>/libs/testing/jest-environment.mjs',
  testEnvironmentOptions: { customExportConditions: ['@vitae/source', 'node', 'node-addons'] },
  globalSetup: '<rootDir>/libs/testing/jest-global-setup.mjs',
  globalTeardown: '<rootDir>/libs/testing/jest-global-teardown.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': swc },
  transformIgnorePatterns: ['/node_modules/'],
  cacheDirectory: '<rootDir>/tmp/jest',
  // Much of a spec is waiting for PostgreSQL and NATS, so two at once pay on two cores, too. Jest would leave one core idle.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // Not a measure of speed: only what ends a spec that would wait for ever on a crowded machine.
  testTimeout: 180_000,
  workerIdleMemoryLimit: '700MB',
};
