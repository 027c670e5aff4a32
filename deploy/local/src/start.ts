// The program behind `npm start`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { personas, type PersonaId } from './identity/personas.ts';
import type { Session } from './log-in.ts';
import { isFree, portBaseFrom, portsFrom, serviceNames, type Ports } from './ports.ts';
import { dataDirectory, repositoryRoot } from './repository.ts';
import { lockRun } from './run-lock.ts';
import { addressOf } from './services.ts';
import { parseStartOptions, usage, type StartOptions } from './start-options.ts';
import { startSuite, withoutPassword, type Suite } from './suite.ts';

const begun = performance.now();
const say = (line: string): void => console.log(line);
const report = (line: string): void => say(`${`${((performance.now() - begun) / 1000).toFixed(1)}s`.padStart(7)}  ${line}`);

/** What the main job of test/ promises. It drives the suite through its public API alone, so it is loaded by its place. */
interface Journey {
  mainJob(options: { frontDoor: string; natsUrl: string; natsKeyFile: string | undefined; as: (persona: PersonaId) => Session; report: (line: string) => void; signal: AbortSignal }): Promise<void>;
}

class Interrupted extends Error {}

/** @returns the exit status. */
async function start(options: StartOptions): Promise<number> {
  const { DATABASE_URL: databaseUrl, NATS_URL: natsUrl, OIDC_ISSUER: issuer } = process.env;
  const portBase = portBaseFrom(process.env);
  const ports = portsFrom(portBase);
  const interrupt = interruption();
  const lock = await lockRun(dataDirectory, addressOf(ports, 'console'));
  let suite: Suite | undefined;
  try {
    if (lock.tookOver) await leftOversToEnd(ports);
    suite = await startSuite({ dataDir: dataDirectory, portBase, databaseUrl, natsUrl, issuer, single: options.single, report, signal: interrupt });
    const broken = suite.broken.then((reason) => {
      throw new Error(`${reason}. Everything was stopped; the data is kept. Start again.`);
    });
    if (issuer && !options.empty) report(`the main job is not run: its people are not known at ${issuer}`);
    const status = options.empty || issuer ? 0 : await Promise.race([runMainJob(suite, interrupt), broken]);
    if (options.exit) return status;
    say(addresses(suite, issuer === undefined || issuer === ''));
    await Promise.race([aborted(interrupt), broken]);
    return status;
  } catch (error) {
    if (interrupt.aborted) return 130;
    console.error(`\n${(error as Error).message}`);
    return 1;
  } finally {
    await suite?.stop();
    lock.release();
  }
}

async function runMainJob(suite: Suite, signal: AbortSignal): Promise<number> {
  const program = join(repositoryRoot, 'test', 'dist', 'journey', 'main-job.js');
  if (!existsSync(program)) throw new Error(`The main job is not built: there is no ${program}. Run \`npm run build\`.`);
  const { mainJob } = (await import(pathToFileURL(program).href)) as Journey;
  report('the main job begins');
  try {
    await mainJob({ frontDoor: suite.frontDoor, natsUrl: suite.natsUrl, natsKeyFile: suite.natsKeyFile, as: suite.as, report, signal });
    report('the main job went well');
    return 0;
  } catch (error) {
    if (signal.aborted) throw error;
    report(`the main job FAILED: ${(error as Error).message}`);
    if (process.env['LOG_LEVEL'] === 'debug') console.error(error);
    return 1;
  }
}

/** @param ours whether the OpenID provider is the local one. */
function addresses(suite: Suite, ours: boolean): string {
  const services = serviceNames.filter((name) => name !== 'console').map((name) => [name, suite.addressOf(name)]);
  const all = [['front door', suite.frontDoor], ...services, ['PostgreSQL', withoutPassword(suite.databaseUrl)], ['OpenID', suite.issuer], ['NATS', suite.natsUrl + (suite.natsKeyFile ? `  (with the nkey in ${suite.natsKeyFile}: look at everything)` : '')], ['logs', join(suite.dataDir, 'logs')]];
  return `\n${all.map(([name, where]) => `  ${name!.padEnd(12)} ${where}`).join('\n')}\n\n${ours ? whoCanLogIn(suite) : `  Log in at ${suite.issuer}: on the page of the front door, or with \`npm run vitae -- login\`.\n`}\n  Ctrl-C stops everything; the data stays in ${suite.dataDir}.\n`;
}

function whoCanLogIn({ frontDoor, dataDir }: Suite): string {
  const elsewhere = frontDoor === 'http://127.0.0.1:7400' ? '' : ` --url ${frontDoor}/api`;
  const people = personas.map(({ id, does }) => `${id} (${does})`);
  return [
    `  Log in at ${frontDoor}, or with \`npm run vitae -- login${elsewhere}\`; there is no password, choose who you are:`,
    `    ${people.slice(0, 4).join(', ')},`,
    `    ${people.slice(4).join(', ')}.`,
    '  Programs come with an API token of somebody: `npm run vitae -- tokens create --help`.',
    `  What each may do: ${join(dataDir, 'access', 'grants.json')}`,
    '',
  ].join('\n');
}

/** Aborted by the first SIGINT, SIGTERM or SIGHUP. A second SIGINT does not wait for an orderly stop. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted && name === 'SIGINT') {
        say('not waiting any longer');
        process.exit(130); // the kernel ends our children, see child.ts
      }
      if (!controller.signal.aborted) report(`${name}: stopping (Ctrl-C again to stop at once)`);
      controller.abort(new Interrupted(name));
    });
  }
  return controller.signal;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** After a killed start its children end by themselves, PostgreSQL last. Waits until their ports are free, 20 s at most. */
async function leftOversToEnd(ports: Ports): Promise<void> {
  report('the last start was killed; waiting for what it left behind');
  for (let look = 0; look < 200; look += 1) {
    const free = await Promise.all(Object.values(ports).map(isFree));
    if (free.every(Boolean)) return;
    await sleep(100);
  }
}

process.stdout.on('error', () => undefined); // whoever read us is gone; stop in order all the same
try {
  const options = parseStartOptions(process.argv.slice(2));
  if (options.help) say(usage);
  process.exitCode = options.help ? 0 : await start(options);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
process.exit();
