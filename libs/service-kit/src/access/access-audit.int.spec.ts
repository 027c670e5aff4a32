import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { as, eventually, freshDatabase, freshNats, signed, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { API_TOKEN_BYTES, apiTokenText, baseConfig, boot, Needs, type Running, type ServiceDefinition } from '../index.ts';

@Controller('v1/projects/:projectId/people')
class PeopleController {
  @Get()
  @Needs('person.read')
  read() {
    return [];
  }

  @Post()
  @Needs('person.link')
  link() {
    return {};
  }
}

@Module({ controllers: [PeopleController] })
class AuditedModule {}

let directory: string;
let database: FreshDatabase;
let nats: FreshNats;
let service: Running;
let pool: Pool;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-audit-'));
  await writeFile(join(directory, '0001-nothing.sql'), 'create table audit_spec.nothing (id integer);');
  [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  pool = new Pool({ connectionString: database.url, max: 1 });
  pool.on('error', () => undefined);
  const definition: ServiceDefinition = { name: 'governance', module: AuditedModule, config: baseConfig, database: { schema: 'audit_spec', migrations: pathToFileURL(`${directory}/`), entities: [] } };
  service = await boot(definition, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await service.stop();
  await pool.end();
  await nats.drop();
  await database.drop();
  await rm(directory, { recursive: true });
});

const ask = (authorization: string, method = 'GET', project = 'alpha') => fetch(`${service.url}/v1/projects/${project}/people`, { method, headers: { authorization } }).then(({ status }) => status);

/** What the ledger was told, as type, project, actor and payload. */
async function told(type: string): Promise<{ project: string; stream: string; payload: Record<string, unknown>; actor: { id: string; kind: string } }[]> {
  const { rows } = await pool.query<{ project: string; stream: string; payload: Record<string, unknown>; metadata: { actor: { id: string; kind: string } } }>(
    'select project_id as project, stream, payload, metadata from ledger.event where type = $1 order by seq',
    [`vitae.access.v1.${type}`],
  );
  return rows.map(({ metadata, ...row }) => ({ ...row, actor: metadata.actor }));
}

describe('the access log', () => {
  it('has one event for each kind of bad token, without the token', async () => {
    const bad = `Bearer ${signed({ iss: 'https://evil.example', aud: 'vitae', sub: 'eve', iat: 1, exp: 2 })}`;
    const unmade = apiTokenText(randomBytes(API_TOKEN_BYTES));
    const unknown = `Bearer ${unmade}`;
    expect([await ask(bad), await ask(unknown), await ask('Basic !')]).toEqual([401, 401, 401]);
    const events = await eventually(async () => {
      const found = await told('CredentialRefused');
      expect(found).toHaveLength(3);
      return found;
    });
    expect(events.map(({ payload, project, actor }) => [payload['fault'], payload['count'], project, actor]).sort()).toEqual(
      ['issuer-wrong', 'malformed', 'token-unknown'].map((fault) => [fault, '1', 'vitae', { id: 'governance', kind: 'ACTOR_KIND_SYSTEM' }]),
    );
    expect(JSON.stringify(events)).not.toMatch(/eyJ|vitae_/);
    expect(events[0]?.stream).toMatch(/^governance\.AccessLog-[0-9a-f-]{36}$/);
  });

  it('has who wanted what, in the project where it was wanted', async () => {
    const vera = as('human/vera', { roles: ['viewer'] });
    expect(await ask(vera, 'POST')).toBe(403);
    expect(await ask(as('human/ada', { roles: ['administrator'], claims: { auth_time: 5 } }), 'POST')).toBe(401);
    await eventually(async () =>
      expect((await told('AccessDenied')).map(({ payload, project, actor }) => ({ ...payload, since: undefined, project, who: actor.id }))).toEqual([
        { permission: 'person.link', cause: 'ACCESS_DENIAL_CAUSE_NO_PERMISSION', count: '1', since: undefined, project: 'alpha', who: 'vera' },
        { permission: 'person.link', cause: 'ACCESS_DENIAL_CAUSE_LOGIN_TOO_OLD', count: '1', since: undefined, project: 'alpha', who: 'ada' },
      ]),
    );
  });

  it('has who read what matters, and is not flooded by who repeats it', async () => {
    const audrey = as('human/audrey', { roles: ['auditor'] });
    const vera = as('human/vera', { roles: ['viewer'] });
    for (let index = 0; index < 40; index += 1) expect([await ask(audrey), await ask(vera, 'POST', 'beta')]).toEqual([200, 403]);
    await service.stop(); // closes all windows
    const reads = (await told('SensitiveRead')).map(({ payload, project, actor }) => [payload['permission'], payload['count'], project, actor.id]);
    expect(reads).toEqual([['person.read', '1', 'alpha', 'audrey'], ['person.read', '39', 'alpha', 'audrey']]);
    const denials = (await told('AccessDenied')).filter(({ project }) => project === 'beta').map(({ payload }) => payload['count']);
    expect(denials).toEqual(['1', '39']);
  });
});
