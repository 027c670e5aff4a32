import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Appender } from './closed-loop.ts';
import { peerFile } from './peers.ts';
import { METADATA } from './sample-event.ts';
import { openPool } from './testbed.ts';

/** What its install.sh runs, in that order, without its role and its reports: they take no part in writing. */
const SCRIPTS = [
  'schema/message-store', 'extensions/pgcrypto', 'tables/messages', 'types/message',
  ...['message-store-version', 'hash-64', 'acquire-lock', 'category', 'is-category', 'id', 'cardinal-id', 'stream-version', 'write-message'].map((name) => `functions/${name}`),
  ...['get-stream-messages', 'get-category-messages', 'get-last-stream-message'].map((name) => `functions/${name}`),
  ...['messages-id', 'messages-stream', 'messages-category'].map((name) => `indexes/${name}`),
];

const SEARCH_PATH = '-c search_path=message_store,public';

/** message-db's tables and functions in that database. */
export async function installMessageDb(url: string): Promise<void> {
  const client = new Client({ connectionString: url, options: SEARCH_PATH });
  await client.connect();
  try {
    for (const script of SCRIPTS) await client.query(await readFile(peerFile('@eventide', 'message-db', 'database', `${script}.sql`), 'utf8'));
  } finally {
    await client.end();
  }
}

/**
 * message-db through its SQL function, which takes one event at a time and locks the stream's category until the commit.
 * Several events are several calls in one transaction. Its statement is prepared, as a good driver would.
 */
export async function messageDb(url: string, connections: number, categories: number): Promise<Appender> {
  const pool = await openPool(url, connections, { options: SEARCH_PATH });
  const categoryOf = (id: string): number => Number.parseInt(id.slice(-4), 16) % categories;
  return {
    name: `message-db, ${categories === 1 ? 'one category' : `${categories} categories`}`,
    append: async ({ id, revision, events }) => {
      const writes = events.map(({ payload }, i) => ({
        name: 'write_message',
        text: 'select message_store.write_message($1, $2, $3, $4, $5, $6)',
        values: [uuidv7(), `useCase${categoryOf(id)}-${id}`, 'UseCaseDrafted', payload, METADATA, revision + i - 1],
      }));
      const [only] = writes;
      if (writes.length === 1 && only) return void (await pool.query(only));
      const client = await pool.connect();
      try {
        await client.query('begin');
        for (const write of writes) await client.query(write);
        await client.query('commit');
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}
