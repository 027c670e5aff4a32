import { rfc3339, type RawEntry, type Sql } from '@vitae/event-store';
import { everyProject, Problem } from '@vitae/service-kit';
import { historyItem } from '../history/history-item.ts';
import { rootsOf } from '../history/model-life.view.ts';

/** What a pack is asked to be about. */
export interface EvidenceAsked {
  readonly projectId: string;
  /** Everything that concerns these. */
  readonly subjects: readonly string[];
  /** And these, by name. */
  readonly streams: readonly string[];
  /** Nothing later than this index. */
  readonly asOf: number;
}

export interface Selection {
  /** By index. Of every stream all events up to the point asked for, also those that may not be read. */
  readonly events: readonly RawEntry[];
  /** Events elsewhere that bear one of the subjects and are another project's. */
  readonly ofOthers: number;
}

// A pack says how much there is that it does not show: events of other projects in its streams and about its subjects, and
// rotations of the log's key. So all projects are looked at here; what is another's is counted or withheld, never shown.

/** Together: payloads and metadata, in bytes. A pack is made in memory. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The events of a pack: the streams with an event that bears one of the subjects, and where those came from (use case, data),
 * each from its first revision on. Whole streams, so that whoever has the pack sees that nothing within them is missing.
 *
 * @throws Problem 404 `evidence-empty` when the project had nothing of it then; 422 `evidence-too-large`
 */
export async function selectEvidence(sql: Sql, asked: EvidenceAsked, mostEvents: number): Promise<Selection> {
  const { projectId, asOf } = asked;
  const concerned = await concernedStreams(sql, asked);
  const streams = new Set([...asked.streams, ...concerned.streams]);
  const chosen = new Map<number, RawEntry>();
  for (let added: readonly string[] = [...streams]; added.length > 0; ) {
    await mustFit(sql, { streams: [...streams], asOf }, mostEvents);
    const events = await eventsOf(sql, added, asOf);
    const own = new Set(events.filter((event) => event.projectId === projectId).map(({ stream }) => stream));
    for (const event of events) if (own.has(event.stream)) chosen.set(event.index, event);
    const roots = events.filter((event) => event.projectId === projectId).flatMap((event) => rootsOf(itemOf(event)));
    added = [...new Set(roots)].filter((stream) => !streams.has(stream));
    for (const stream of added) streams.add(stream);
  }
  if (chosen.size === 0) {
    const about = [...asked.subjects, ...asked.streams].join(', ');
    throw new Problem(404, 'evidence-empty', 'There is nothing to show', `Project ${projectId} had no event about ${about} as of index ${asOf}. Correct the names, or ask as of a later point.`);
  }
  return { events: [...chosen.values()].sort((a, b) => a.index - b.index), ofOthers: concerned.ofOthers };
}

/** The events of streams up to an index, by index, with the exact bytes that are stored. */
export async function eventsOf(sql: Sql, streams: readonly string[], to: number): Promise<readonly RawEntry[]> {
  const rows = await everyProject(() => sql.query<Omit<RawEntry, 'index' | 'projectId' | 'recordedAt'> & { readonly index: string; readonly project_id: string; readonly recorded_at: string }>(
    `select n.index, e.id, e.stream, e.revision, e.type, e.project_id, array_to_string(e.subjects, ' ') as subjects,
       e.payload::text as payload, e.metadata::text as metadata, e.recorded_at::text as recorded_at
     from ledger.event e join ledger.entry n on n.seq = e.seq
     where e.stream = any ($1) and n.index <= $2 order by n.index`,
    [streams, to],
  ));
  return rows.map(({ index, project_id: projectId, recorded_at, ...row }) => ({ ...row, index: Number(index), projectId, recordedAt: rfc3339(recorded_at) }));
}

async function concernedStreams(sql: Sql, { projectId, subjects, asOf }: EvidenceAsked): Promise<{ readonly streams: readonly string[]; readonly ofOthers: number }> {
  const rows = await everyProject(() => sql.query<{ stream: string; own: boolean; events: string }>(
    `select e.stream, e.project_id = $3 as own, count(distinct n.index) as events
     from ledger.concern s join ledger.entry n on n.index = s.index join ledger.event e on e.seq = n.seq
     where s.subject = any ($1) and s.index <= $2 group by 1, 2`,
    [subjects, asOf, projectId],
  ));
  return { streams: rows.filter(({ own }) => own).map(({ stream }) => stream), ofOthers: rows.filter(({ own }) => !own).reduce((sum, { events }) => sum + Number(events), 0) };
}

/** Before they are read. */
async function mustFit(sql: Sql, { streams, asOf }: { readonly streams: readonly string[]; readonly asOf: number }, mostEvents: number): Promise<void> {
  const [found] = await everyProject(() => sql.query<{ events: string; bytes: string }>(
    `select count(*) as events, coalesce(sum(bytes), 0) as bytes from (
       select octet_length(e.payload::text) + octet_length(e.metadata::text) as bytes
       from ledger.event e join ledger.entry n on n.seq = e.seq where e.stream = any ($1) and n.index <= $2 limit $3
     ) counted`,
    [streams, asOf, mostEvents + 1],
  ));
  if (Number(found?.events) <= mostEvents && Number(found?.bytes) <= MOST_BYTES) return;
  throw new Problem(
    422,
    'evidence-too-large',
    'Too much for one pack',
    `A pack holds at most ${mostEvents} events (VITAE_EVIDENCE_EVENTS) and ${MOST_BYTES / 1024 / 1024} MB; this one would hold more. Ask for a model version or a stream instead of a whole model, or as of an earlier point.`,
  );
}

function itemOf({ index, projectId, subjects, ...event }: RawEntry) {
  return historyItem({ ...event, index: String(index), project_id: projectId, subjects: subjects === '' ? [] : subjects.split(' ') });
}
