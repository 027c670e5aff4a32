import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/**
 * A clone as small as can be: the real bootstrap.mjs, an npm that writes down that it was called and makes what the
 * bootstrap looks for, a compiler and a bundler that do nothing, and a "Jest" that says hello.
 */
let clone: string;
let children: ChildProcess[];

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'vitae-bootstrap-'));
  children = [];
  mkdirSync(join(clone, 'deploy/local/dist'), { recursive: true });
  mkdirSync(join(clone, 'bin'));
  copyFileSync(join(repositoryRoot, 'deploy/local/bootstrap.mjs'), join(clone, 'deploy/local/bootstrap.mjs'));
  writeFileSync(join(clone, 'deploy/local/dist/bundle.js'), '');
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  writeFileSync(
    join(clone, 'bin/npm'),
    `#!/bin/sh
     echo "begin $*" >> npm.log; sleep 0.3
     rm -rf node_modules; mkdir -p node_modules/.bin node_modules/typescript7/bin
     ln -s "${process.execPath}" node_modules/.bin/node
     echo '' > node_modules/typescript7/bin/tsc
     cp jest.js node_modules/.bin/jest
     echo end >> npm.log`,
  );
  chmodSync(join(clone, 'bin/npm'), 0o755);
  jest('console.log("hello " + process.argv.slice(2).join(" ")); process.exit(3);');
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(clone, { recursive: true, force: true });
});

const jest = (program: string): void => writeFileSync(join(clone, 'jest.js'), program);
const npmCalls = (): string[] => readFileSync(join(clone, 'npm.log'), 'utf8').trim().split('\n');

function bootstrap(...args: string[]) {
  const child = spawn(process.execPath, [join(clone, 'deploy/local/bootstrap.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${join(clone, 'bin')}:/usr/bin:/bin` },
  });
  children.push(child);
  let output = '';
  let heard = (): void => undefined;
  const listen = (text: Buffer): void => {
    output += text.toString();
    heard();
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  return {
    child,
    says: (words: string) => new Promise<void>((resolve) => (heard = () => (output.includes(words) ? resolve() : undefined))),
    result: new Promise<{ status: number | null; output: string }>((resolve) => child.once('close', (status) => resolve({ status, output }))),
  };
}

describe('bootstrap.mjs', () => {
  it('installs once, without scripts, and passes arguments and exit status through', async () => {
    const first = await bootstrap('test', '--watch').result;
    expect(first).toEqual({ status: 3, output: expect.stringContaining('hello --watch') });
    const second = await bootstrap('test').result;
    expect(second).toEqual({ status: 3, output: 'hello \n' });
    expect(npmCalls()).toEqual(['begin ci --ignore-scripts --no-audit --no-fund --loglevel=error', 'end']);
  });

  it('installs again when the lock file has changed', async () => {
    await bootstrap('build').result;
    writeFileSync(join(clone, 'package-lock.json'), '{ "lockfileVersion": 3 }');
    await bootstrap('build').result;
    expect(npmCalls()).toHaveLength(4);
  });

  it('installs once when two commands come at the same time', async () => {
    const results = await Promise.all([bootstrap('test').result, bootstrap('test').result, bootstrap('test').result]);
    expect(results.map(({ status }) => status)).toEqual([3, 3, 3]);
    expect(npmCalls()).toHaveLength(2);
    expect(results.filter(({ output }) => output.includes('waiting for it'))).toHaveLength(2);
    expect(readdirSync(join(clone, '.data'))).toEqual([]); // every lock was given back
  });

  it('takes over the lock of a command that was killed', async () => {
    mkdirSync(join(clone, '.data'));
    writeFileSync(join(clone, '.data/install.lock'), '999999999');
    expect((await bootstrap('test').result).status).toBe(3);
  });

  it('says what to do when npm fails, and is not taken in by half an installation', async () => {
    writeFileSync(join(clone, 'bin/npm'), '#!/bin/sh\nmkdir -p node_modules\nexit 1\n');
    expect(await bootstrap('test').result).toEqual({ status: 1, output: expect.stringContaining('Then run the same command again.') });
    expect(existsSync(join(clone, 'node_modules/.vitae-installed'))).toBe(false);
  });

  it('refuses a task that it does not know', async () => {
    expect(await bootstrap('strat').result).toEqual({ status: 1, output: expect.stringContaining('There are: start, test') });
  });

  it('hands a Ctrl-C to the program once, and waits for its end', async () => {
    jest('let times = 0; process.on("SIGINT", () => { times += 1; setTimeout(() => { console.log(`asked ${times} time`); process.exit(130); }, 100); }); console.log("up"); setInterval(() => {}, 1e6);');
    const run = bootstrap('test');
    await run.says('up');
    run.child.kill('SIGINT');
    run.child.kill('SIGINT'); // from the terminal, and again from npm
    expect(await run.result).toEqual({ status: 130, output: expect.stringContaining('asked 1 time') });
  });
});
