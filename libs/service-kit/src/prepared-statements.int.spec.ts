import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { inTransaction, openDatabase, sqlOf } from './database.ts';

let database: FreshDatabase;
let orm: MikroORM;
beforeAll(async () => {
  database = await freshDatabase();
  // One connection, so that what is prepared on it can be looked at.
  orm = await openDatabase('spec', database.url, { DATABASE_POOL_SIZE: 1 }, { schema: 'public', migrations: new URL('.', import.meta.url), entities: [] });
});
afterAll(async () => {
  await orm.close(true);
  await database.drop();
});

const ask = <Row extends object>(text: string, values: readonly unknown[], prepared = true): Promise<Row[]> => sqlOf(orm.em.fork(), { prepared }).query<Row>(text, values);
const prepared = async (text: string): Promise<{ readonly times: number } | undefined> =>
  (await ask<{ times: number }>('select (generic_plans + custom_plans)::integer as times from pg_prepared_statements where statement = $1', [text]))[0];

describe('a statement with parameters', () => {
  it('is prepared once on a connection, and used again in transactions and outside', async () => {
    const text = 'select $1::integer as n';
    for (const n of [1, 2]) expect(await ask(text, [n])).toEqual([{ n }]);
    await inTransaction(orm.em, async ({ sql }) => expect(await sql.query(text, [3])).toEqual([{ n: 3 }]));
    expect(await prepared(text)).toEqual({ times: 3 });
  });

  it('is sent as it is when its text is made of what a caller asked for', async () => {
    const text = 'select $1::integer + 1 as n';
    expect(await ask(text, [1], false)).toEqual([{ n: 2 }]);
    expect(await prepared(text)).toBeUndefined();
  });

  it('works again after it failed, and after its table became another one', async () => {
    await ask('create table thing (n integer primary key)', []);
    const insert = 'insert into thing (n) values ($1) returning n';
    expect(await ask(insert, [1])).toEqual([{ n: 1 }]);
    await expect(ask(insert, [1])).rejects.toMatchObject({ code: '23505' });
    await ask('alter table thing rename to replaced', []);
    await ask('create table thing (n integer primary key, more text not null default $$new$$)', []);
    expect(await ask(insert, [1])).toEqual([{ n: 1 }]);
  });
});
