import { append, groupCommit, newEventId, streamName, transactOn, type GroupCommitOptions, type PreparedAppend } from '@vitae/event-store';
import { metadataWith, nextAttribution, SUBJECTS } from './sample-event.ts';
import type { Append, Appender } from './closed-loop.ts';
import { openPool } from './testbed.ts';

const requestOf = ({ id, revision, events }: Append) => ({
  stream: streamName('governance.UseCase', id),
  expected: revision,
  events: events.map(({ message }) => message),
  attribution: nextAttribution(),
  subjects: SUBJECTS,
});

/** As the handlers of the services append: each in a transaction of its own, its events checked against their contract. */
export async function oneTransactionEach(url: string, connections: number): Promise<Appender> {
  const pool = await openPool(url, connections);
  const transact = transactOn(pool);
  return {
    name: 'Vitae, a transaction each',
    append: async (request) => void (await transact((tx) => append(tx.sql, requestOf(request)))),
    close: () => pool.end(),
  };
}

/** The group commit with everything it does: the contract checked, canonical JSON made. */
export async function grouped(url: string, options: GroupCommitOptions = {}): Promise<Appender> {
  const { appends, close } = await open(url, options);
  return { name: 'Vitae', append: async (request) => void (await appends.append(requestOf(request))), close };
}

/** The group commit with what was checked and written before, as an import does: what storing alone costs. */
export async function groupedPrepared(url: string, options: GroupCommitOptions = {}): Promise<Appender> {
  const { appends, close } = await open(url, options);
  return { name: 'Vitae, prepared', append: async (request) => void (await appends.appendPrepared(preparedOf(request))), close };
}

/** What prepareAppend makes of it, from texts that are there already. */
export function preparedOf(request: Append): PreparedAppend {
  const prepared = requestOf(request);
  return {
    request: prepared,
    subjects: SUBJECTS,
    metadata: metadataWith(prepared.attribution),
    events: request.events.map(({ message, payload }) => ({ id: newEventId(), event: message, payload })),
  };
}

async function open(url: string, options: GroupCommitOptions) {
  const pool = await openPool(url, options.connections ?? 3);
  const appends = groupCommit(pool, options);
  return {
    appends,
    close: async () => {
      await appends.close();
      await pool.end();
    },
  };
}
