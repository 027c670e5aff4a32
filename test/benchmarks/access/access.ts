import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { API_TOKEN_BYTES, apiTokenText, boot, readApiToken } from '@vitae/service-kit';
import { as, specAccess } from '@vitae/testing/access';
import { startSpecIssuer } from '@vitae/testing/issuer';
import { Client } from 'pg';
import { load, machine } from '../ledger/machine.ts';
import { quantile } from '../ledger/quantile.ts';
import { startTestbed } from '../ledger/testbed.ts';
import { knownService } from './known-service.ts';

/** What a caller brings along; undefined on the route that asks nobody. */
type Bring = () => string | undefined;

const WARM_UP = 300;

/**
 * `npm run bench -- access`: what it costs a request to be asked who sends it and what they may. Two routes of a real service
 * that do the same on a real PostgreSQL, in turns; one request at a time, so that what is measured is the request and not the
 * queue before it.
 */
export async function access(say: (line: string) => void, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string', default: '10' }, requests: { type: 'string', default: '500' } } });
  const [rounds, requests] = [Number(values.rounds), Number(values.requests)];
  say(machine());
  const directory = await mkdtemp(join(tmpdir(), 'vitae-access-bench-'));
  const [testbed, issuer] = await Promise.all([startTestbed(directory), startSpecIssuer(directory)]);
  process.env['VITAE_SPECS_ISSUER'] = issuer.settings;
  try {
    await writeFile(join(directory, '0001-notes.sql'), `create table registry.note (id integer primary key, project_id text not null, text text not null); insert into registry.note select n, 'alpha', 'note ' || n from generate_series(1, 1000) n;`);
    const url = await testbed.database('access');
    const service = await boot(knownService(pathToFileURL(`${directory}/`)), { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent', DATABASE_URL: url, VITAE_RATE_LIMIT_PER_MINUTE: '1000000' });
    try {
      const token = as('human/ben', { roles: ['viewer'], projects: ['alpha'] });
      const apiToken = `Bearer ${await madeApiToken(url)}`;
      const anew = Array.from({ length: rounds * requests + WARM_UP }, (_, index) => as('human/ben', { roles: ['viewer'], projects: ['alpha'], claims: { jti: String(index) } }));
      const contenders: Readonly<Record<string, Bring>> = {
        'nobody asked': () => undefined,
        'a token seen before': () => token,
        'an API token': () => apiToken,
        'a token never seen': () => anew.pop(),
      };
      const times = await inTurns(service.url, contenders, rounds, requests);
      report(say, times, rounds * requests);
    } finally {
      await service.stop();
    }
  } finally {
    await issuer.stop();
    await testbed.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function inTurns(url: string, contenders: Readonly<Record<string, Bring>>, rounds: number, requests: number): Promise<ReadonlyMap<string, readonly number[]>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  try {
    for (const bring of Object.values(contenders)) for (let index = 0; index < WARM_UP / 4; index += 1) await ask(agent, url, index, bring());
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, bring] of Object.entries(contenders)) {
        for (let index = 0; index < requests; index += 1) times.get(name)?.push(await ask(agent, url, index, bring()));
      }
    }
  } finally {
    agent.destroy();
  }
  return times;
}

/** Milliseconds until the answer is read. */
function ask(agent: Agent, url: string, index: number, authorization: string | undefined): Promise<number> {
  const begun = performance.now();
  const path = `/v1/projects/alpha/notes/${authorization === undefined ? 'open' : 'known'}/${(index % 1000) + 1}`;
  return new Promise((resolve, reject) => {
    request(`${url}${path}`, { agent, headers: authorization === undefined ? {} : { authorization } }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`${path} was answered ${response.statusCode}`));
      response.resume().once('end', () => resolve(performance.now() - begun));
    })
      .once('error', reject)
      .end();
  });
}

function report(say: (line: string) => void, times: ReadonlyMap<string, readonly number[]>, count: number): void {
  const [[, base] = ['', []]] = times;
  say(`${count} requests each, in turns; load ${load()}`);
  say('ms                        p50     p95     p99   more at p50   more at p95');
  for (const [name, all] of times) {
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(all, share)) as [number, number, number];
    const more = [0.5, 0.95].map((share) => quantile(all, share) - quantile(base, share)) as [number, number];
    say(`${name.padEnd(20)} ${[p50, p95, p99].map((value) => value.toFixed(2).padStart(7)).join(' ')} ${more.map((value) => value.toFixed(2).padStart(13)).join(' ')}`);
  }
  const worst = Math.max(...[...times.values()].map((all) => quantile(all, 0.95) - quantile(base, 0.95)));
  say(`${worst <= 1 ? 'reached' : 'MISSED'}: at most 1 ms more at the p95 (${worst.toFixed(2)})`);
}

/** As governance makes one; the row alone, for what is measured is the check. */
async function madeApiToken(url: string): Promise<string> {
  const token = apiTokenText(randomBytes(API_TOKEN_BYTES));
  const key = readApiToken(token);
  if (!key) throw new Error('a token that was just made cannot be read');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `insert into access.api_token (id, name, owner, projects, permissions, secret_hash, created_at, expires_at) values ($1, 'bench', 'ben', '{alpha}', '{registry.read}', $2, now(), now() + interval '1 day')`,
      [key.id, key.hash],
    );
  } finally {
    await client.end();
  }
  return token;
}
