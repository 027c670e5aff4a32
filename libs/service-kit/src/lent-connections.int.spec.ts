import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { inTransaction, openDatabase, sqlOf } from './database.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

describe("a service's pool", () => {
  it('loses no connection to transactions whose connection breaks', async () => {
    const orm = await openDatabase('spec', database.url, { DATABASE_POOL_SIZE: 2 }, { schema: 'public', migrations: new URL('.', import.meta.url), entities: [] });
    try {
      for (let broken = 0; broken < 5; broken += 1) {
        await expect(inTransaction(orm.em, ({ sql }) => sql.query('select pg_terminate_backend(pg_backend_pid())'))).rejects.toThrow(/terminat/);
      }
      const both = [1, 2].map((n) => inTransaction(orm.em, ({ sql }) => sql.query('select $1::int as n', [n])));
      expect(await Promise.all(both)).toEqual([[{ n: 1 }], [{ n: 2 }]]);
      expect(await sqlOf(orm.em.fork()).query('select 3 as n')).toEqual([{ n: 3 }]);
    } finally {
      await orm.close(true);
    }
  });
});
