import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineEntity, EntityManager, p, type MikroORM } from '@mikro-orm/postgresql';
import { Controller, Get, Module } from '@nestjs/common';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { messagingMigrations } from '@vitae/messaging';
import { as, freshDatabase, specAccess, type FreshDatabase } from '@vitae/testing';
import pg from 'pg';
import { inTransaction, openDatabase, sqlOf } from '../database.ts';
import { baseConfig, boot, Needs, type Running, type ServiceDefinition } from '../index.ts';
import { accessMigrations } from './migrations.ts';
import { allow, everyProject, inRequest } from './project-scope.ts';

// A service under a login of its own, with 20 notes: those with even numbers of project `even`, the others of `odd`.
const Note = defineEntity({ name: 'Note', tableName: 'note', properties: { id: p.integer().primary(), projectId: p.string() } });

@Controller('v1')
@Needs('registry.read')
class NotesController {
  constructor(private readonly em: EntityManager) {}

  /** Asks for all there are, as somebody does who forgot whose they are. */
  @Get(['projects/:projectId/notes', 'notes'])
  async all() {
    const [entities, rows] = await Promise.all([
      this.em.find(Note, {}),
      inTransaction(this.em, ({ sql }) => sql.query<{ id: number }>('select id from note where $1', [true])),
    ]);
    return { entities: entities.length, rows: rows.length, of: [...new Set([...entities, ...rows].map(({ id }) => (id % 2 === 0 ? 'even' : 'odd')))] };
  }
}

@Module({ controllers: [NotesController] })
class NotesModule {}

let directory: string;
let database: FreshDatabase;
let login: string;
let url: string;
let notes: ServiceDefinition;
let orm: MikroORM;
let running: Running;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-scope-'));
  await writeFile(join(directory, '0001-notes.sql'), `create table registry.note (id integer primary key, project_id text not null);
    insert into registry.note select n, case n % 2 when 0 then 'even' else 'odd' end from generate_series(1, 20) n;`);
  database = await freshDatabase();
  const schema = { schema: 'registry', migrations: pathToFileURL(`${directory}/`), entities: [Note] };
  for (const one of [ledgerMigrations, messagingMigrations, accessMigrations, { schema: 'registry', directory: schema.migrations }]) await migrate(database.url, one);
  login = `spec_${randomBytes(6).toString('hex')}`;
  await asSuperuser(`create role ${login} login password 'spec' in role vitae_registry`);
  url = Object.assign(new URL(database.url), { username: login, password: 'spec' }).href;
  notes = { name: 'registry', module: NotesModule, config: baseConfig, database: schema, broker: false };
  orm = await openDatabase('registry', url, { DATABASE_POOL_SIZE: 2 }, schema);
  running = await boot(notes, { ...specAccess(), VITAE_MIGRATIONS: 'check', PORT: '0', DATABASE_URL: url, DATABASE_POOL_SIZE: '2', LOG_LEVEL: 'silent' });
});
afterAll(async () => {
  await running?.stop();
  await orm?.close(true);
  await asSuperuser(`drop role ${login}`);
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

async function asSuperuser(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

const sql = () => sqlOf(orm.em.fork());
/** How many notes are seen, by a statement that stays prepared on its connection. */
const count = async (on = sql()): Promise<number> => Number((await on.query<{ n: string }>('select count(*) as n from note where $1', [true]))[0]?.n);
const inProject = <T>(project: string, work: () => Promise<T>): Promise<T> =>
  inRequest(() => {
    allow([project]);
    return work();
  });

describe('a service that asks without a condition', () => {
  it('shows no row of another project in 1,000 requests of two projects at once, on two connections', async () => {
    const ask = async (project: string): Promise<object> => (await fetch(`${running.url}/v1/projects/${project}/notes`, { headers: { authorization: as('human/nora', { roles: ['viewer'] }) } })).json() as Promise<object>;
    for (let round = 0; round < 20; round += 1) {
      const asked = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 'even' : 'odd'));
      expect(await Promise.all(asked.map(ask))).toEqual(asked.map((project) => ({ entities: 10, rows: 10, of: [project] })));
    }
  });
});

describe('the scope of a request', () => {
  it('sees nothing until somebody allows it something', async () => {
    await inRequest(async () => {
      expect(await count()).toBe(0);
      allow(['even']);
      expect(await count()).toBe(10);
      allow(['odd']);
      expect(await count()).toBe(20);
    });
    expect(await inProject('unknown', count)).toBe(0);
    expect(await inRequest(() => (allow('*'), count()))).toBe(20);
  });

  it('refuses what is no name of a project', async () => {
    for (const name of ['*', 'even,odd', '', 'even odd']) await inRequest(async () => expect(() => allow([name])).toThrow('not the name of a project'));
  });

  it('is not there outside of requests: a consumer, a worker, a rebuild sees all', async () => {
    expect(await Promise.all([count(), inProject('even', count), count(), inProject('odd', count), count()])).toEqual([20, 10, 20, 10, 20]);
    expect(await inTransaction(orm.em, ({ sql }) => count(sql))).toBe(20);
  });

  it('goes along into what is done at once, later, and in another tick', async () => {
    await inProject('even', async () => {
      expect(await Promise.all(Array.from({ length: 20 }, () => count()))).toEqual(Array.from({ length: 20 }, () => 10));
      await new Promise((resolve) => setImmediate(resolve));
      expect(await new Promise<number>((resolve, reject) => process.nextTick(() => count().then(resolve, reject)))).toBe(10);
    });
  });

  it('can look across projects in the midst of a transaction, and goes on as it was', async () => {
    await inProject('even', () =>
      inTransaction(orm.em, async ({ sql }) => {
        expect([await count(sql), await everyProject(() => count(sql)), await count(sql)]).toEqual([10, 20, 10]);
        expect(await Promise.all([count(sql), everyProject(() => count(sql)), count(sql)])).toEqual([10, 20, 10]);
      }),
    );
  });

  it('writes nothing of another project, and stays what it is after the refusal', async () => {
    await inProject('even', async () => {
      const insert = inTransaction(orm.em, ({ sql }) => sql.query(`insert into note values (101, 'odd')`));
      await expect(insert).rejects.toThrow(/row-level security/);
      expect(await count()).toBe(10);
      expect(await sql().query(`update note set id = id where project_id = 'odd' returning id`)).toEqual([]);
    });
    expect(await count()).toBe(20);
  });

  it.each(['commit', 'rollback', 'rollback to savepoint'])('is right after a %s of a transaction in which it changed', async (end) => {
    const seen = async (): Promise<number[]> => [await count(), await inProject('odd', count), await inRequest(count), await count()];
    for (const before of ['even', undefined] as const) {
      const change = () => inTransaction(orm.em, async ({ sql }) => {
        if (end === 'rollback to savepoint') await sql.query('savepoint here');
        expect(await everyProject(() => count(sql))).toBe(20);
        expect(await inProject('odd', () => count(sql))).toBe(10);
        if (end === 'rollback to savepoint') await sql.query('rollback to savepoint here');
        if (end === 'rollback') throw new Error('taken back');
        return count(sql);
      }).catch(() => -1);
      const after = await (before ? inProject(before, change) : change());
      expect(after).toBe(end === 'rollback' ? -1 : before ? 10 : 20);
      expect(await seen()).toEqual([20, 10, 0, 20]);
    }
  });

  it('is told anew to a connection that takes the place of one that broke', async () => {
    await inProject('even', async () => {
      for (let broken = 0; broken < 3; broken += 1) {
        await expect(inTransaction(orm.em, ({ sql }) => sql.query('select pg_terminate_backend(pg_backend_pid())'))).rejects.toThrow(/terminat/);
        expect(await count()).toBe(10);
      }
    });
    expect(await Promise.all([count(), inRequest(count), inProject('odd', count)])).toEqual([20, 0, 10]);
  });
});
