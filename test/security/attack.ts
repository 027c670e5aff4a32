import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPython } from '../interop/python.ts';
import { startAttacked, type AttackedSuite, type Caller } from './attacked-suite.ts';
import { armed, type Attacked, type Document, type Part } from './documents.ts';
import type { AttackOptions } from './options.ts';
import { attack, type Outcome } from './schemathesis.ts';
import { logFaults } from './written.ts';

export interface AttackResult {
  readonly passed: number;
  readonly failed: number;
  /** Why Schemathesis attacked nothing. */
  readonly skipped?: string;
}

const REQUIREMENTS = fileURLToPath(new URL('../../security/requirements.txt', import.meta.url));

/** As whom, where, and how thoroughly. */
const ROUNDS: readonly { readonly caller: Caller; readonly part: Part; readonly thorough: boolean }[] = [
  { caller: 'everything in the project', part: 'project', thorough: true },
  { caller: 'everything everywhere', part: 'installation', thorough: true },
  { caller: 'a viewer', part: 'project', thorough: false },
  { caller: 'nobody', part: 'project', thorough: false },
  { caller: 'nobody', part: 'installation', thorough: false },
];

/**
 * A suite of its own, in which one model has lived its whole life, is attacked through the front door: each operation of each OpenAPI
 * document, as who may everything, as who may only read, and as nobody. Then what the services wrote meanwhile is looked at.
 */
export async function attackAll(options: AttackOptions, say: (line: string) => void): Promise<AttackResult> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-attack-'));
  let kept = false;
  try {
    const python = await installPython(directory, REQUIREMENTS);
    const attacked = await startAttacked(join(directory, 'suite'), say);
    let sum: Sum = { passed: 0, failed: 0 };
    try {
      if (typeof python === 'string') sum = await allRounds(python, directory, attacked, options, say);
      sum = added(sum, 'services are ready, and none had to be started again', await standing(attacked), say);
    } finally {
      await attacked.suite.stop();
    }
    for (const [what, faults] of await logFaults(join(directory, 'suite', 'logs'), attacked.secrets)) sum = added(sum, what, faults, say);
    kept = sum.failed > 0;
    if (kept) say(`requests, answers and logs are in ${directory}`);
    return typeof python === 'string' ? sum : { ...sum, skipped: python.why };
  } finally {
    if (!kept) await rm(directory, { recursive: true, force: true });
  }
}

interface Sum {
  readonly passed: number;
  readonly failed: number;
}

function added({ passed, failed }: Sum, what: string, faults: readonly string[], say: (line: string) => void): Sum {
  say(faults.length === 0 ? `ok   ${what}` : `FAIL ${what}:\n${faults.slice(0, 20).join('\n')}`);
  return faults.length === 0 ? { passed: passed + 1, failed } : { passed, failed: failed + 1 };
}

/** The registry has as many operations as all others together, so two attack it side by side. */
const unitsOf = (service: Attacked): Unit[] => (service === 'registry' ? [0, 1].map((at) => ({ service, at, of: 2 })) : [{ service, at: 0, of: 1 }]);

interface Unit {
  readonly service: Attacked;
  readonly at: number;
  readonly of: number;
}

/** Two at a time: each attack waits for its service half of the time. */
async function allRounds(python: string, directory: string, attacked: AttackedSuite, options: AttackOptions, say: (line: string) => void): Promise<Sum> {
  const waiting = options.services.flatMap(unitsOf);
  const sum = { passed: 0, failed: 0 };
  const work = async (): Promise<void> => {
    for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
      for (const round of ROUNDS) {
        const outcome = await oneRound(python, directory, attacked, unit, round, options);
        if (outcome === undefined) continue;
        sum.failed += outcome.faulty.length;
        sum.passed += Math.max(0, outcome.operations - outcome.faulty.length);
        say(`${outcome.faulty.length === 0 ? 'ok  ' : 'FAIL'} ${unit.service}${unit.of > 1 ? ` (${unit.at + 1} of ${unit.of})` : ''}, ${round.part}, as ${round.caller}: ${outcome.operations} operations, ${outcome.requests} requests`);
        if (outcome.faulty.length > 0) say(outcome.words);
      }
    }
  };
  await Promise.all([work(), work()]);
  return sum;
}

async function oneRound(python: string, directory: string, { suite, known, tokenOf }: AttackedSuite, unit: Unit, { caller, part, thorough }: (typeof ROUNDS)[number], { examples, seed }: AttackOptions): Promise<Outcome | undefined> {
  const address = `${suite.frontDoor}/api/${unit.service}`;
  const document = armed((await (await fetch(`${address}/openapi.json`)).json()) as Document, part, known, unit);
  if (Object.keys(document.paths).length === 0) return undefined;
  const name = `${unit.service} ${unit.at} ${part} as ${caller}`.replaceAll(' ', '-');
  const files = join(directory, name);
  await mkdir(files);
  return attack(python, files, { name, document, address, token: await tokenOf(caller), examples: thorough ? examples : Math.ceil(examples / 2), thorough, seed });
}

async function standing({ suite }: AttackedSuite): Promise<string[]> {
  const services = ['registry', 'governance', 'deployment', 'monitoring', 'ledger', 'runtime', 'console'] as const;
  const faults = await Promise.all(
    services.map(async (service) => {
      const response = await fetch(`${suite.addressOf(service)}/readyz`).catch((error: Error) => error);
      const restarts = suite.restartsOf(service);
      if (response instanceof Error) return [`${service}: ${response.message}`];
      const text = await response.text();
      return [...(response.ok ? [] : [`${service}: ${response.status} ${text}`]), ...(restarts > 0 ? [`${service} was started again ${restarts} times`] : []), ...(/"parked":[1-9]/.test(text) ? [`${service} has put events aside: ${text}`] : [])];
    }),
  );
  return faults.flat();
}
