import { readStream, type RecordedEvent, type Sql } from '@vitae/event-store';
import { erasure, type ErasureEvent } from './erasure.ts';

/** What became of a person's erasure: the last request, whether there is a hold, and who did what when. */
export interface ErasureItem {
  readonly person: string;
  readonly state: 'none' | 'requested' | 'refused' | 'approved' | 'erased';
  readonly held: boolean;
  readonly erasureId?: string;
  /** Of the last erasure: the keys that are gone. */
  readonly keyIds?: readonly string[];
  readonly revision: number;
  readonly steps: readonly { readonly event: string; readonly by: string; readonly at: string; readonly reason: string }[];
}

/** There is no table: erasures are few, and their streams say it all. */
export async function erasureOf(sql: Sql, stream: string): Promise<ErasureItem | undefined> {
  const events = (await readStream(sql, stream)) as readonly RecordedEvent<ErasureEvent>[];
  return events.reduce<ErasureItem | undefined>(withStep, undefined);
}

/** Erasures in order of their streams, from the one after `after` on. */
export async function erasureStreams(sql: Sql, { after = '', limit }: { readonly after?: string | undefined; readonly limit: number }): Promise<readonly string[]> {
  const rows = await sql.query<{ stream: string }>(
    // revision 1: each stream once; the primary index of streams serves the range
    'select stream from ledger.event where stream > $1 and stream < $2 and revision = 1 order by stream limit $3',
    [after === '' ? `${erasure.category}-` : after, `${erasure.category}.`, limit],
  );
  return rows.map(({ stream }) => stream);
}

/** Events and texts of one project that a key seals. */
export interface Sealed {
  readonly projectId: string;
  readonly events: number;
  readonly texts: number;
}

/** How much would become unreadable with these keys, by project. Reads the whole ledger: it is asked rarely. */
export async function sealedUnder(sql: Sql, keys: readonly { readonly keyId: string; readonly projectId: string }[]): Promise<readonly Sealed[]> {
  if (keys.length === 0) return [];
  const rows = await sql.query<{ project_id: string; events: string; texts: string }>(
    `select k.project_id, count(e.seq) as events,
       coalesce(sum(regexp_count(e.payload::text, k.mark) + regexp_count(e.metadata::text, k.mark)), 0) as texts
     from unnest($1::text[], $2::text[]) as k (project_id, mark)
     left join ledger.event e on e.project_id = k.project_id and (strpos(e.payload::text, k.mark) > 0 or strpos(e.metadata::text, k.mark) > 0)
     group by k.project_id order by k.project_id`,
    [keys.map(({ projectId }) => projectId), keys.map(({ keyId }) => `enc:v1:${keyId}:`)],
  );
  return rows.map(({ project_id: projectId, events, texts }) => ({ projectId, events: Number(events), texts: Number(texts) }));
}

function withStep(item: ErasureItem | undefined, { event, actor, occurredAt, reason, revision }: RecordedEvent<ErasureEvent>): ErasureItem {
  const step = { event: event.$typeName.slice(event.$typeName.lastIndexOf('.') + 1), by: actor.id, at: occurredAt, reason };
  const before = item ?? { person: event.person, state: 'none', held: false, steps: [] };
  return { ...before, ...change(event), revision, steps: [...before.steps, step] };
}

function change(event: ErasureEvent): Partial<ErasureItem> {
  switch (event.$typeName) {
    case 'vitae.ledger.v1.ErasureRequested':
      return { state: 'requested', erasureId: event.erasureId };
    case 'vitae.ledger.v1.ErasureApproved':
      return { state: 'approved' };
    case 'vitae.ledger.v1.ErasureRefused':
      return { state: 'refused' };
    case 'vitae.ledger.v1.PersonalTextErased':
      return { state: 'erased', keyIds: event.keyIds };
    case 'vitae.ledger.v1.ErasureHeld':
      return { held: true };
    case 'vitae.ledger.v1.ErasureHoldLifted':
      return { held: false };
  }
}
