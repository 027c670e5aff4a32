import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSuite, type PersonaId, type Suite } from '@vitae/local';
import { mainJob } from '../journey/main-job.ts';
import type { Known } from './documents.ts';

export type Caller = 'everything in the project' | 'everything everywhere' | 'a viewer' | 'nobody';

export interface AttackedSuite {
  readonly suite: Suite;
  readonly known: Known;
  /** A new token of that caller, good for ten minutes; undefined for nobody. */
  tokenOf(caller: Caller): Promise<string | undefined>;
  /** What must stand nowhere but where it was sent to: passwords, client secrets, and each token that was given. */
  readonly secrets: ReadonlySet<string>;
}

const WHO = { 'everything in the project': 'ada', 'everything everywhere': 'pat', 'a viewer': 'audrey' } as const satisfies Record<Exclude<Caller, 'nobody'>, PersonaId>;
const ROLES = ['viewer', 'data-scientist', 'ml-engineer', 'business-owner', 'validator', 'risk-officer', 'platform-engineer', 'auditor', 'administrator'];

/** A suite of its own in which one model has lived its whole life, so that there is something of everything. */
export async function startAttacked(dataDir: string, report: (line: string) => void): Promise<AttackedSuite> {
  await mkdir(dataDir, { recursive: true });
  // Its logs tell everything, so that what must not be there can be looked for; and a tool may ask as often as it likes.
  const suite = await startSuite({ dataDir, durable: false, env: { ...process.env, VITAE_RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'debug' } });
  try {
    const told: string[] = [];
    await mainJob({ frontDoor: suite.frontDoor, natsUrl: suite.natsUrl, natsKeyFile: suite.natsKeyFile, as: suite.as, report: (line) => told.push(line), signal: new AbortController().signal });
    const projectId = told[0]?.replace('project ', '') ?? '';
    report(`a model has lived its life in ${projectId}`);
    const known = await whatIsThere(suite, projectId);
    await grant(dataDir, projectId);
    const secrets = await secretsIn(dataDir);
    const tokenOf = async (caller: Caller): Promise<string | undefined> => {
      if (caller === 'nobody') return undefined;
      const session = suite.as(WHO[caller]);
      await session.logInAgain();
      const token = await session.accessToken();
      secrets.add(token.split('.')[2] ?? token); // who has the signature has the token
      return token;
    };
    return { suite, known, tokenOf, secrets };
  } catch (error) {
    await suite.stop();
    throw error;
  }
}

/** Who attacks may as much as is written beside it. The services find out by themselves, within seconds. */
async function grant(dataDir: string, projectId: string): Promise<void> {
  const file = join(dataDir, 'access', 'grants.json');
  const { grants } = JSON.parse(await readFile(file, 'utf8')) as { grants: { group?: string }[] };
  const everything = (group: string, project: string): object[] => ROLES.map((role) => ({ group, role, projects: [project] }));
  const attackers = [...everything('administrators', projectId), ...everything('platform-engineers', '*'), { group: 'auditors', role: 'viewer', projects: [projectId] }];
  const others = grants.filter(({ group }) => !['administrators', 'platform-engineers', 'auditors'].includes(group ?? ''));
  await writeFile(file, JSON.stringify({ grants: [...others, ...attackers] }));
}

/** Every line of 20 characters or more of the key files, and the passwords of the logins. */
async function secretsIn(dataDir: string): Promise<Set<string>> {
  const secrets = new Set<string>();
  const keys = join(dataDir, 'keys');
  for (const entry of await readdir(keys, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.(conf|json)$/.test(entry.name)) continue;
    for (const line of (await readFile(join(entry.parentPath, entry.name), 'latin1')).split('\n')) if (/^[\w+/=-]{20,}$/.test(line.trim())) secrets.add(line.trim());
  }
  for (const { password } of Object.values(JSON.parse(await readFile(join(dataDir, 'logins.json'), 'utf8')) as Record<string, { password: string }>)) secrets.add(password);
  return secrets;
}

/** Ids of what the ledger tells of, by what it is (`model-versions`) and by what it is called (`modelVersionId`). */
async function whatIsThere(suite: Suite, projectId: string): Promise<Known> {
  const token = await suite.as('olivia').accessToken();
  const response = await fetch(`${suite.frontDoor}/api/ledger/v1/projects/${projectId}/events?limit=1000`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`the events of ${projectId} were not told: ${response.status} ${await response.text()}`);
  const { items } = (await response.json()) as { items: readonly Told[] };
  const found = new Map<string, Set<string>>();
  const note = (name: string, value: string): unknown => (found.get(name) ?? found.set(name, new Set()).get(name))?.add(value);
  for (const { envelope, payload } of items) {
    const [, kind = '', id = ''] = /^\w+\.([A-Za-z]+)-(.+)$/.exec(envelope.stream) ?? [];
    note(`${kind.replaceAll(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()}s`, id);
    note('stream', envelope.stream);
    note('index', envelope.index);
    note('person', envelope.actor.id);
    for (const [name, value] of Object.entries(payload)) if (typeof value === 'string' && /Id$|[dD]igest$|^name$/.test(name)) note(name === 'name' ? `${kind}/name` : name, value);
  }
  for (const [name, value] of [['datasets/name', 'german-credit'], ['version', '1'], ['number', '1'], ['gate', 'production'], ['alias', 'champion'], ['key', 'team']] as const) note(name, value);
  for (const name of found.get('Endpoint/name') ?? []) note('model', name);
  return { projectId, values: Object.fromEntries([...found].map(([name, values]) => [name, [...values]])) };
}

interface Told {
  readonly envelope: { readonly stream: string; readonly index: string; readonly actor: { readonly id: string } };
  readonly payload: Readonly<Record<string, unknown>>;
}
