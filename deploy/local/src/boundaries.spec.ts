import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

// Without a project graph the boundary rule warns, is skipped, and lint passes. This is the canary: it lints imports
// that must be refused. ESLint runs in a process of its own, as it does for `npm run lint`.

const boundary = '@nx/enforce-module-boundaries';
const restricted = '@typescript-eslint/no-restricted-imports';
const pure = 'services/registry/src/model/model.ts';

interface Case {
  readonly file: string;
  readonly content: string;
  readonly breaks: readonly string[];
}

const importing = (file: string, from: string, ...breaks: string[]): Case => ({ file, content: `import * as it from '${from}';\nexport { it };\n`, breaks });
const inPureFile = (content: string, ...breaks: string[]): Case => ({ file: pure, content, breaks });

const cases: Record<string, Case> = {
  'the contracts do not import the core': importing('libs/contracts/src/canary.ts', '@vitae/event-store', boundary),
  'the core does not import the service kit': importing('libs/event-store/src/canary.ts', '@vitae/service-kit', boundary),
  'the core does not import Nest': importing('libs/event-store/src/canary.ts', '@nestjs/common', boundary),
  'a lib is not entered by its files': importing('libs/event-store/src/canary.ts', '../../contracts/src/canonical-json.ts', boundary),
  'a service does not import a service': importing('services/registry/src/canary.handler.ts', '@vitae/governance', boundary),
  'a service does not import the launcher': importing('services/registry/src/canary.handler.ts', '@vitae/local', restricted),
  'what is not a spec does not import the testing lib': importing('libs/service-kit/src/canary.ts', '@vitae/testing', restricted),
  'a spec may import the testing lib': importing('libs/service-kit/src/canary.spec.ts', '@vitae/testing'),
  'the core may import the contracts': importing('libs/event-store/src/canary.ts', '@vitae/contracts'),

  'a pure file does not import Nest': inPureFile(`import * as it from '@nestjs/common'; export { it };`, restricted),
  'a pure file does not import Node': inPureFile(`import * as it from 'node:fs'; export { it };`, restricted),
  'a pure file does not import the database': inPureFile(`import it from 'pg'; export { it };`, restricted),
  'a pure file does not import a file with a suffix': inPureFile(`import * as it from './model.view.ts'; export { it };`, restricted),
  'a pure file does not re-export a file with a suffix': inPureFile(`export * from '../model.store.ts';`, restricted),
  'a pure file does not import while it runs': inPureFile(`export const it = import('node:fs');`, 'no-restricted-syntax'),
  'a pure file does not make a date of now': inPureFile(`export const it = new Date();`, 'no-restricted-syntax'),
  'a pure file does not ask the clock': inPureFile(`export const it = Date.now();`, 'no-restricted-syntax'),
  'a pure file does not throw dice': inPureFile(`export const it = Math.random();`, 'no-restricted-syntax'),
  'a pure file does not make ids': inPureFile(`export const it = crypto.randomUUID();`, 'no-restricted-globals'),
  'a pure file does not read the environment': inPureFile(`export const it = process.env;`, 'no-restricted-globals'),
  'a pure file may make a date of a string': inPureFile(`export const it = new Date('2026-03-03');`),
  'a file with a suffix may touch the world': {
    file: 'services/registry/src/model/model.handler.ts',
    content: `import { readFile } from 'node:fs/promises'; import { it } from './model.ts'; export const now = [new Date(), readFile, it];`,
    breaks: [],
  },
};

/** Reads cases from its input and writes, for each, the rules that it breaks. */
const linter = `
  import { ESLint } from 'eslint';
  import { text } from 'node:stream/consumers';
  const eslint = new ESLint();
  const found = {};
  for (const [name, { file, content }] of Object.entries(JSON.parse(await text(process.stdin)))) {
    const [{ messages }] = await eslint.lintText(content, { filePath: file, warnIgnored: true });
    found[name] = messages.map(({ ruleId, message }) => ruleId ?? message);
  }
  process.stdout.write(JSON.stringify(found));
`;

function run(args: readonly string[], input = ''): Promise<string> {
  const env = { ...process.env, NX_DAEMON: 'false', NX_NATIVE_FILE_CACHE_DIRECTORY: join(repositoryRoot, '.nx/native') };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [...args], { cwd: repositoryRoot, env, maxBuffer: 16 << 20 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${args[0]} failed: ${stderr}`, { cause: error })) : resolve(stdout),
    );
    child.stdin?.end(input);
  });
}

let found: Record<string, readonly string[]>;
beforeAll(async () => {
  await run(['node_modules/.bin/nx', 'show', 'projects']); // brings the project graph up to date
  found = JSON.parse(await run(['--input-type=module', '-e', linter], JSON.stringify(cases))) as typeof found;
}, 300_000);

const projectOf = (file: string): string => file.split('/').slice(0, 2).join('/');

describe('lint', () => {
  it('knows the projects that are spoken of here', () => {
    // of a file that belongs to no project the boundary rule says nothing
    const projects = [...new Set(Object.values(cases).map(({ file }) => projectOf(file))), 'services/governance'];
    expect(projects.filter((project) => !existsSync(join(repositoryRoot, project, 'package.json')))).toEqual([]);
  });

  it.each(Object.entries(cases))('%s', (name, { breaks }) => expect(found[name]).toEqual(breaks));
});
