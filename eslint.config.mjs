// Three rules of the architecture are kept here: who may import whom (by the tag in each package.json), that only specs
// import @vitae/testing, and the naming rule of the services: a file without a suffix is pure.
// deploy/local/src/boundaries.spec.ts proves that they bite.
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** What a service file's suffix may be; the suffix names the part of the world that the file touches. */
const suffixes = 'handler,controller,filter,view,consumer,cluster,client,module,store,worker,fixture,spec';
const suffixed = `**/*.{${suffixes}}.ts`;
const suffixedImport = `^\\.{1,2}/.*\\.(${suffixes.replaceAll(',', '|')})\\.ts$`;

const testingOnlyInSpecs = {
  group: ['@vitae/testing', '@vitae/testing/*'],
  message: 'Only specs may import @vitae/testing.',
};
const launcherStaysOutside = {
  group: ['@vitae/local', '@vitae/local/*'],
  message: 'The local launcher starts the services; nothing that it starts may import it. Specs reach it through @vitae/testing.',
};
const worldStaysOutside = [
  {
    group: [
      '@nestjs/*', 'node:*', 'pg', '@mikro-orm/*', '@nats-io/*', 'onnxruntime-node', '@duckdb/*', 'uuid', 'pino', 'nestjs-pino',
      '@opentelemetry/*',
    ],
    message: 'A service file without a suffix is pure: move what touches the world to a suffixed file, or give this file its suffix.',
  },
  { regex: suffixedImport, message: 'A service file without a suffix is pure, so it may not import a suffixed file.' },
  {
    regex: '^\\.{1,2}/(.*/)?(main|config)\\.ts$',
    allowTypeImports: true,
    message: 'A service file without a suffix is pure: it receives what it needs from the configuration as a parameter.',
  },
];
const notPure = [
  ['NewExpression[callee.name="Date"][arguments.length=0]', 'new Date() reads the clock; time arrives in the command.'],
  ['CallExpression[callee.name="Date"]', 'Date() reads the clock; time arrives in the command.'],
  ['CallExpression[callee.object.name="Date"][callee.property.name="now"]', 'Date.now() reads the clock; time arrives in the command.'],
  ['CallExpression[callee.object.name="Math"][callee.property.name="random"]', 'Math.random() gives another answer each time; pass the choice in.'],
  ['CallExpression[callee.name="randomUUID"]', 'Ids arrive in the command.'],
  ['ImportExpression', 'A pure file imports statically, so that what it touches can be seen.'],
].map(([selector, message]) => ({ selector, message: `A service file without a suffix is pure. ${message}` }));

const restrictImports = (...patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });
/** Tags speak of whole projects, so each may depend on type:testing; that only specs import it is a rule of its own. */
const mayDependOn = (sourceTag, ...tags) => ({ sourceTag, onlyDependOnLibsWithTags: [...tags, 'type:testing'] });

export default tseslint.config(
  {
    ignores: [
      '**/dist/**', '**/gen/**', '**/node_modules/**', '**/tmp/**', '**/coverage/**', '**/.nx/**', '**/.data/**', 'test/fixtures/**',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parser: tseslint.parser },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@nx/enforce-module-boundaries': ['error', {
        allow: [],
        depConstraints: [
          { ...mayDependOn('type:contracts', 'type:contracts'), bannedExternalImports: ['@nestjs/*'] },
          { ...mayDependOn('type:core', 'type:contracts', 'type:core'), bannedExternalImports: ['@nestjs/*'] },
          mayDependOn('type:kit', 'type:contracts', 'type:core', 'type:kit'),
          mayDependOn('type:service', 'type:contracts', 'type:core', 'type:kit', 'type:client'),
          mayDependOn('type:client', 'type:contracts', 'type:core', 'type:client'),
          mayDependOn('type:testing', 'type:contracts', 'type:core', 'type:kit', 'type:client'),
          // core and kit: the benchmarks measure the libs themselves.
          mayDependOn('type:e2e', 'type:contracts', 'type:client', 'type:core', 'type:kit'),
        ],
      }],
    },
  },
  {
    files: ['libs/**/*.ts', 'services/**/*.ts', 'deploy/**/*.ts'],
    ignores: ['**/*.{fixture,spec}.ts', 'libs/testing/**'],
    rules: restrictImports(testingOnlyInSpecs, launcherStaysOutside),
  },
  {
    files: ['services/*/src/**/*.ts'],
    ignores: [suffixed, 'services/*/src/**/main.ts', 'services/*/src/config.ts'],
    rules: {
      ...restrictImports(testingOnlyInSpecs, launcherStaysOutside, ...worldStaysOutside),
      'no-restricted-globals': ['error', ...['process', 'crypto', 'performance', 'fetch', 'setTimeout', 'setInterval', 'Buffer'].map((name) => ({
        name,
        message: 'A service file without a suffix is pure: no clock, no ids, no environment, no network.',
      }))],
      'no-restricted-syntax': ['error', ...notPure],
    },
  },
);
