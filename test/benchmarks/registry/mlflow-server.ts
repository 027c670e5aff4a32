import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@vitae/local';
import { installPython } from '../../interop/python.ts';
import type { RegistryUnderTest } from './registry-under-test.ts';
import { sameAsByApi, seedMlflow } from './seed-mlflow.ts';
import type { Place } from './vitae.ts';
import type { SeedModel } from './world.ts';

const REQUIREMENTS = fileURLToPath(new URL('../../../fixtures/mlflow/server-requirements.txt', import.meta.url));
/** As many processes as it has unless told, each with a few threads. */
const WORKERS = '4';
const GUNICORN = '--threads 4 --keep-alive 60 --log-level warning';
const PATIENCE_MS = 180_000;

/** MLflow's own server, installed into a directory that is thrown away. Its name says which version. */
export interface Mlflow {
  readonly name: string;
  /** With which options. */
  readonly how: string;
  /** On a new database with these models. */
  start(place: Omit<Place, 'identity'>, models: readonly SeedModel[]): Promise<RegistryUnderTest>;
}

/**
 * @param venv a virtual environment that has it already.
 * @returns why there is none, where it cannot be installed.
 */
export async function installMlflow(directory: string, venv?: string): Promise<Mlflow | { readonly why: string }> {
  const python = venv === undefined ? await installPython(directory, REQUIREMENTS) : join(venv, 'bin/python');
  if (typeof python !== 'string') return python;
  const version = /^mlflow==(.+)$/m.exec(readFileSync(REQUIREMENTS, 'utf8'))?.[1] ?? '';
  const name = `MLflow ${version}`;
  return {
    name,
    how: `--workers ${WORKERS} ${GUNICORN}`,
    start: async (place, models) => {
      const databaseUrl = await place.testbed.database('mlflow');
      const started = await serve(join(python, '..', 'mlflow'), databaseUrl, join(place.testbed.directory, new URL(databaseUrl).pathname.slice(1)));
      try {
        await seedMlflow(databaseUrl, models, place.progress);
        if (models[0]) await sameAsByApi(started.url, models[0]);
      } catch (error) {
        await started.stop();
        throw error;
      }
      return { name, database: new URL(databaseUrl).pathname.slice(1), ...started };
    },
  };
}

/** The server as its documentation has one run it with gunicorn. Its own log goes to a file. */
async function serve(program: string, databaseUrl: string, place: string) {
  const port = await freePort();
  const log = await open(`${place}.log`, 'w');
  const args = ['server', '--backend-store-uri', databaseUrl.replace(/^postgresql:/, 'postgresql+psycopg2:'), '--default-artifact-root', `${place}-artifacts`, '--host', '127.0.0.1', '--port', String(port), '--workers', WORKERS, '--gunicorn-opts', GUNICORN];
  const env = { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false', GIT_PYTHON_REFRESH: 'quiet' };
  // A group of its own: gunicorn's workers end with it, whatever becomes of the program that starts them.
  const child = spawn(program, args, { env, detached: true, cwd: dirname(place), stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const gone = once(child, 'exit');
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-(child.pid ?? 0), signal);
    } catch {
      // all of the group have ended
    }
  };
  const killOnExit = (): void => kill('SIGKILL');
  process.once('exit', killOnExit);
  const stop = async (): Promise<void> => {
    kill('SIGTERM');
    await Promise.race([gone, sleep(10_000, undefined, { ref: false })]);
    kill('SIGKILL');
    process.off('exit', killOnExit);
  };
  const url = `http://127.0.0.1:${port}`;
  const until = performance.now() + PATIENCE_MS;
  while (!(await fetch(`${url}/health`).then(({ ok }) => ok, () => false))) {
    if (child.exitCode !== null || performance.now() > until) {
      await stop();
      throw new Error(`MLflow's server did not start: ${readFileSync(`${place}.log`, 'utf8').trim().split('\n').slice(-5).join(' | ')}`);
    }
    await sleep(200);
  }
  return { url, pid: child.pid ?? 0, stop };
}
