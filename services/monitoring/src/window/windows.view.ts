import { createHash } from 'node:crypto';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import { canonicalJson, WindowState, type WindowJudged } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { DriftMemory } from '../alert/drift-memory.ts';
import type { OpenWindow } from './filling.ts';
import { findingRow, type FindingRow } from './finding.ts';

type StateName = 'healthy' | 'drifted' | 'insufficient-data' | 'incomplete';

export const JudgedWindow = defineEntity({
  name: 'JudgedWindow',
  tableName: 'judged_window',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    endpointId: p.uuid(),
    baselineId: p.uuid(),
    number: p.bigint('number'),
    state: p.text().$type<StateName>(),
    rowCount: p.bigint('number'),
    completeness: p.double(),
    firstAt: p.datetime(),
    lastAt: p.datetime(),
    summaryDigest: p.text(),
    ruleVersion: p.text(),
    findings: p.json<FindingRow[]>(),
    versions: p.json<{ modelVersionId: string; rows: number }[]>(),
  },
});
export type JudgedWindow = InferEntity<typeof JudgedWindow>;

const STATES: Readonly<Record<WindowState, StateName>> = {
  [WindowState.UNSPECIFIED]: 'insufficient-data',
  [WindowState.HEALTHY]: 'healthy',
  [WindowState.DRIFTED]: 'drifted',
  [WindowState.INSUFFICIENT_DATA]: 'insufficient-data',
  [WindowState.INCOMPLETE]: 'incomplete',
};

/** A window is one event, so its row is written once. */
export async function projectWindow(em: EntityManager, { event, projectId }: RecordedEvent<WindowJudged>): Promise<void> {
  const { windowId, endpointId, baselineId, number, rowCount, completeness, firstAt, lastAt, summaryDigest, ruleVersion, state, findings, versions } = event;
  if (!firstAt || !lastAt) throw new Error(`WindowJudged of ${windowId} has no span of time`);
  await em.upsert(
    JudgedWindow,
    {
      id: windowId,
      projectId,
      endpointId,
      baselineId,
      number: Number(number),
      state: STATES[state],
      rowCount: Number(rowCount),
      completeness,
      firstAt: timestampDate(firstAt),
      lastAt: timestampDate(lastAt),
      summaryDigest,
      ruleVersion,
      findings: findings.map(findingRow),
      versions: versions.map(({ modelVersionId, rows }) => ({ modelVersionId, rows: Number(rows) })),
    },
    { onConflictAction: 'ignore' },
  );
}

/** Judged windows of an endpoint in order; `after` is the id of the last one seen. */
export function judgedWindows(em: EntityManager, query: { projectId: string; endpointId: string; after?: string; limit: number }): Promise<JudgedWindow[]> {
  const { projectId, endpointId, after, limit } = query;
  return em.find(JudgedWindow, { projectId, endpointId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit });
}

export async function countWindows(em: EntityManager, projectId: string, endpointId: string): Promise<number> {
  return em.count(JudgedWindow, { projectId, endpointId });
}

/** Stores a summary under its digest and returns that: `sha256:<hex>` of its canonical JSON. */
export async function storeSummary(sql: Sql, projectId: string, summary: object): Promise<string> {
  const bytes = canonicalJson(summary);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await sql.query('insert into monitoring.summary (digest, project_id, bytes) values ($1, $2, $3) on conflict do nothing', [digest, projectId, bytes]);
  return digest;
}

/** The stored bytes, exactly as they were hashed. */
export async function summaryBytes(sql: Sql, projectId: string, digest: string): Promise<string | undefined> {
  const [row] = await sql.query<{ bytes: string }>('select bytes from monitoring.summary where digest = $1 and project_id = $2', [digest, projectId]);
  return row?.bytes;
}

/** How far the counting under a baseline is: the window that is being filled, and what the closed ones led to. */
export interface Progress {
  readonly open: OpenWindow;
  readonly memory: DriftMemory;
}

/** Undefined before the first row. The baseline's endpoint MUST be locked. */
export async function progressOf(sql: Sql, baselineId: string): Promise<Progress | undefined> {
  const [row] = await sql.query<{ open: string; memory: string }>('select counts::text as open, memory::text as memory from monitoring.open_window where baseline_id = $1', [baselineId]);
  return row && { open: JSON.parse(row.open) as OpenWindow, memory: JSON.parse(row.memory) as DriftMemory };
}

/** The baseline's endpoint MUST be locked. */
export async function saveProgress(sql: Sql, baselineId: string, { open, memory }: Progress): Promise<void> {
  await sql.query(
    `insert into monitoring.open_window (baseline_id, counts, memory) values ($1, $2, $3)
     on conflict (baseline_id) do update set counts = excluded.counts, memory = excluded.memory`,
    [baselineId, JSON.stringify(open), JSON.stringify(memory)],
  );
}
