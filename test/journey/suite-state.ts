import { jetstreamManager } from '@nats-io/jetstream';
import { Client } from 'pg';
import { connectAsAuditor, type BrokerAccess } from './subscriber.ts';

/** What the ledger holds, read past all services: to find out whether anything was lost, doubled or misplaced. */
export interface LedgerState {
  /** `<index> <event id>` in order of the index. */
  readonly entries: readonly string[];
  readonly unsequenced: number;
  /** Streams whose revisions are not 1, 2, 3 … in ledger order. */
  readonly brokenStreams: readonly string[];
  /** How often each type of event is there. */
  readonly types: Readonly<Record<string, number>>;
  readonly parked: readonly string[];
  /** Consumers that have not read all. */
  readonly behind: readonly string[];
}

export async function ledgerState(databaseUrl: string, projectId?: string): Promise<LedgerState> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const rows = async <T extends object>(sql: string, values: unknown[] = []): Promise<T[]> => (await client.query<T>(sql, values)).rows;
    const events = await rows<{ index: string; id: string; stream: string; revision: number; type: string; project_id: string }>(
      'select n.index, e.id, e.stream, e.revision, e.type, e.project_id from ledger.entry n join ledger.event e on e.seq = n.seq order by n.index',
    );
    const revisions = Map.groupBy(events, ({ stream }) => stream);
    const types = events.filter((event) => projectId === undefined || event.project_id === projectId).map(({ type }) => type.split('.').at(-1) ?? '');
    return {
      entries: events.map(({ index, id }) => `${index} ${id}`),
      unsequenced: (await rows('select from ledger.unsequenced u cross join lateral unnest(u.seq || u.more)')).length,
      brokenStreams: [...revisions].filter(([, all]) => all.some(({ revision }, i) => revision !== i + 1)).map(([stream]) => stream),
      types: Object.fromEntries([...Map.groupBy(types, (type) => type)].map(([type, all]) => [type, all.length])),
      parked: (await rows<{ what: string }>(`select consumer || ' ' || type || ': ' || error as what from messaging.parked`)).map(({ what }) => what),
      behind: (await rows<{ what: string }>(`select b.consumer || ' at ' || b.next_index as what from messaging.bookmark b, ledger.head h where b.next_index < h.next_index`)).map(({ what }) => what),
    };
  } finally {
    await client.end();
  }
}

/** What JetStream holds: `<sequence - 1> <event id>` in order of the sequence. */
export async function streamState(broker: BrokerAccess): Promise<readonly string[]> {
  const nats = await connectAsAuditor(broker);
  try {
    const manager = await jetstreamManager(nats);
    const { state } = await manager.streams.info('VITAE_LEDGER');
    const found: string[] = [];
    for (let seq = 1; seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage('VITAE_LEDGER', { seq });
      found.push(`${(message?.seq ?? 0) - 1} ${message?.header.get('ce-id')}`);
    }
    return found;
  } finally {
    await nats.close();
  }
}
