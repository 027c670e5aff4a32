import { create, type Message } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema, type UseCaseSubmitted } from '@vitae/contracts';
import { append, ledgerMigrations, migrate, pooledSql, readRaw, transactOn } from '@vitae/event-store';
import { formatCheckpoint, leafHash, logEntry, signerFrom, signNote, TiledTree, type Signer, type StoredEvent } from '@vitae/transparency';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';

/** Of the log that the spec's ledger has. A fixed key: several spec files share one prepared database. */
export const signer: Signer = signerFrom('PRIVATE+KEY+vitae.local/ledger/spec+282e5ca3+AcWjJmgrYCCUa4e0LYYPHIv/e407Bmop7IRAW199HwF9');

const attribution = {
  projectId: 'credit',
  actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
  reason: 'a spec',
  occurredAt: '2026-11-20T09:00:00.000Z',
  correlationId: 'c-1',
  causationId: '',
  traceparent: '',
};

export async function appendEvents(pool: Pool, stream: string, events: readonly Message[]): Promise<void> {
  const id = stream.slice(stream.indexOf('-') + 1);
  await transactOn(pool)((tx) => append(tx.sql, { stream, expected: 'any', events, attribution, subjects: [`use-case:${id}`, 'model:m-1'] }));
}

/** Events for a stream of newStream. */
export function submissions(stream: string, times: number): UseCaseSubmitted[] {
  const useCaseId = stream.slice(stream.indexOf('-') + 1);
  return Array.from({ length: times }, () => create(UseCaseSubmittedSchema, { useCaseId }));
}

export const newStream = (): string => `governance.UseCase-${uuidv7()}`;

/** The log's entries, in order. */
export async function storedEvents(pool: Pool): Promise<StoredEvent[]> {
  const raw = await readRaw(pool, { from: 0, limit: 100_000 });
  return raw.map(({ subjects, ...event }) => ({ ...event, subjects: subjects === '' ? [] : subjects.split(' ') }));
}

/** Stores all full tiles and, for each size, a checkpoint, as the ledger service does. */
export async function integrate(pool: Pool, sizes: readonly number[], by: Signer = signer): Promise<void> {
  const tiles: { level: number; index: number; hashes: Buffer }[] = [];
  const tree = new TiledTree(({ level, index }, hashes) => void tiles.push({ level, index, hashes }));
  for (const event of await storedEvents(pool)) {
    tree.append(leafHash(logEntry(event)));
    if (!sizes.includes(tree.size)) continue;
    const note = signNote(formatCheckpoint({ origin: by.name, size: tree.size, root: tree.root() }), [by]);
    await pool.query('insert into ledger.checkpoint (size, root, note) values ($1, $2, $3)', [tree.size, tree.root(), note]);
  }
  for (const { level, index, hashes } of tiles) {
    await pool.query('insert into ledger.tile (level, n, hashes) values ($1, $2, $3) on conflict do nothing', [level, index, hashes]);
  }
}

/**
 * 600 events in 12 streams, each event on its own, so that neighbours in the ledger are of different streams; two full tiles;
 * checkpoints over 100, 256, 512 and 600 events; and three more events of the first stream, which wait for their index.
 */
export async function prepareLedger(url: string): Promise<void> {
  await migrate(url, ledgerMigrations);
  const pool = new Pool({ connectionString: url });
  try {
    const streams = Array.from({ length: 12 }, newStream);
    for (let i = 0; i < 600; i += 1) {
      const stream = streams[i % 12] ?? '';
      await appendEvents(pool, stream, submissions(stream, 1));
    }
    await pooledSql(pool).query('select ledger.sequence(10000)');
    await pooledSql(pool).query('select ledger.note_entries()');
    await integrate(pool, [100, 256, 512, 600]);
    await appendEvents(pool, streams[0] ?? '', submissions(streams[0] ?? '', 3));
  } finally {
    await pool.end();
  }
}
