import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Socket } from 'node:net';
import { Client } from 'pg';
import { copyOut, type CopyStatement } from './copy-out.ts';

let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

async function connected<T>(work: (client: Client) => Promise<T>, stream?: () => Socket): Promise<T> {
  const client = new Client({ connectionString: database.url, ...(stream ? { stream } : {}) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What PostgreSQL sends, in pieces of so many bytes at most: as a slow network would bring it. */
class InPieces extends Socket {
  constructor(private readonly bytes: number) {
    super();
  }
  override push(chunk: Buffer | null): boolean {
    if (chunk === null) return super.push(null);
    let more = true;
    for (let at = 0; at < chunk.length; at += this.bytes) more = super.push(chunk.subarray(at, at + this.bytes));
    return more;
  }
}

/** Numbers and texts as they come, from rows of an integer and a text. */
function rows(query: string): CopyStatement & { readonly got: readonly (readonly [number, string])[] } {
  const got: [number, string][] = [];
  return { got, text: `copy (${query}) to stdout (format binary)`, take: (bytes, at) => got.push([bytes.readInt32BE(at + 6), bytes.toString('utf8', at + 14, at + 14 + bytes.readInt32BE(at + 10))]) };
}

const TEXTS = `select i, repeat('ü', i) from generate_series(0, 40) i`;
const texts = Array.from({ length: 41 }, (_, i) => [i, 'ü'.repeat(i)]);

describe('copyOut', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 11, 64, 100, 4096])('takes the same rows when they come in pieces of %i bytes', async (bytes) => {
    await connected(
      async (client) => {
        const statements = [rows(TEXTS), rows('select 1, null::text where false'), rows(`select 7, repeat('x', 300000)`)] as const;
        await copyOut(client, statements);
        expect(statements.map(({ got }) => got)).toEqual([texts, [], [[7, 'x'.repeat(300_000)]]]);
        expect((await client.query<{ answer: number }>('select 42 as answer')).rows).toEqual([{ answer: 42 }]);
      },
      () => new InPieces(bytes),
    );
  });

  it('leaves notices to pg, also those between two rows', async () => {
    await connected(async (client) => {
      await client.query(`create function pg_temp.noisy(i integer) returns text language plpgsql as $$ begin raise notice 'row %', i; return i; end $$`);
      const heard: string[] = [];
      client.on('notice', ({ message }) => heard.push(message ?? ''));
      const noisy = rows('select i, pg_temp.noisy(i) from generate_series(1, 3) i');
      await copyOut(client, [noisy]);
      expect(noisy.got).toEqual([[1, '1'], [2, '2'], [3, '3']]);
      expect(heard).toEqual(['row 1', 'row 2', 'row 3']);
    });
  });

  it('rejects with the error of any of the statements, after some rows, too; and the connection goes on', async () => {
    await connected(async (client) => {
      await expect(copyOut(client, [rows('select 1, nonsense')])).rejects.toMatchObject({ code: '42703' });
      await expect(copyOut(client, [rows(TEXTS), rows('select 1 / (3 - i), null from generate_series(1, 5) i')])).rejects.toMatchObject({ code: '22012' });
      const after = rows(TEXTS);
      await copyOut(client, [after]);
      expect(after.got).toEqual(texts);
    });
  });

  it('rejects when the connection breaks in the middle', async () => {
    const client = new Client({ connectionString: database.url });
    client.on('error', () => undefined);
    await client.connect();
    await expect(copyOut(client, [rows(`select i, pg_terminate_backend(pg_backend_pid())::text from generate_series(1, 5) i`)])).rejects.toThrow();
    await expect(copyOut(client, [rows(TEXTS)])).rejects.toThrow();
  });
});
