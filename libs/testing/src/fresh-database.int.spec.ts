import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { freshDatabase } from './fresh-database.ts';

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('freshDatabase', () => {
  it('gives each caller an empty database of its own, and takes it away', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
    await query(one.url, 'create table mine (id int)');
    await expect(query(other.url, 'select * from mine')).rejects.toMatchObject({ code: '42P01' /* undefined_table */ });
    await Promise.all([one.drop(), other.drop()]);
    await expect(query(one.url, 'select 1')).rejects.toMatchObject({ code: '3D000' /* invalid_catalog_name */ });
  });

  it('waits for a pool that says it has ended while its connections are still open', async () => {
    const database = await freshDatabase();
    const pool = new pg.Pool({ connectionString: database.url, max: 10 });
    const errors: Error[] = [];
    pool.on('error', (error) => errors.push(error));
    await Promise.all(Array.from({ length: 10 }, () => pool.query('select 1')));
    await pool.end();
    await database.drop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });

  it('vanishes at once, and whoever is connected is broken off', async () => {
    const database = await freshDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const broken = new Promise((resolve) => client.once('error', resolve));
    client.on('error', () => undefined); // the end of the connection follows
    await database.vanish();
    await expect(broken).resolves.toMatchObject({ code: '57P01' /* admin_shutdown */ });
    await client.end();
  });

  it('prepares a template once, however many ask for it at the same time', async () => {
    let prepared = 0;
    const template = {
      name: 'counted',
      prepare: async (url: string) => {
        prepared += 1;
        await query(url, 'create table prepared as select 42 as answer');
      },
    };
    const databases = await Promise.all([freshDatabase(template), freshDatabase(template), freshDatabase(template)]);
    expect(prepared).toBe(1);
    for (const { url } of databases) expect(await query(url, 'select answer from prepared')).toEqual([{ answer: 42 }]);
    await Promise.all(databases.map(({ drop }) => drop()));
  });

  it('does not copy a template whose preparation failed', async () => {
    const template = (prepare: () => Promise<void>) => ({ name: 'failing', prepare });
    const failing = freshDatabase(template(() => Promise.reject(new Error('no such migration'))));
    await expect(failing).rejects.toThrow('no such migration');
    const database = await freshDatabase(template(() => Promise.resolve()));
    await database.drop();
  });
});
