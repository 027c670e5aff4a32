import { timestampDate } from '@bufbuild/protobuf/wkt';
import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { GateOutcomeSchema, PolicyOutcomeSchema, type GateDecided, type GateOutcome, type PolicyOutcome } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, sqlOf, type ViewTransaction } from '@vitae/service-kit';
import { shortNames } from '../short-names.ts';

/** allow, deny. */
const gateOutcomes = shortNames<GateOutcome>(GateOutcomeSchema);
/** pass, fail, not-applicable, error. */
const policyOutcomes = shortNames<PolicyOutcome>(PolicyOutcomeSchema);

export interface PolicyResultRow {
  readonly policyId: string;
  readonly title: string;
  readonly outcome: string;
  readonly reason: string;
}

export const DecisionRow = defineEntity({
  name: 'DecisionRow',
  tableName: 'decision',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    gate: p.text(),
    modelVersionId: p.uuid(),
    modelId: p.uuid(),
    version: p.integer(),
    environment: p.text(),
    subjectHash: p.text(),
    requestedBy: p.text(),
    outcome: p.text(),
    results: p.json<readonly PolicyResultRow[]>(),
    input: p.text().lazy(),
    inputHash: p.text(),
    policySet: p.text(),
    policySetVersion: p.text(),
    policySetHash: p.text(),
    engine: p.text(),
    positions: p.json<readonly { readonly stream: string; readonly revision: number }[]>(),
    permitId: p.uuid().nullable(),
    permitExpiresAt: p.datetime().nullable(),
    decidedAt: p.datetime(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type DecisionRow = InferEntity<typeof DecisionRow>;

export async function projectDecisions({ em }: ViewTransaction, events: readonly RecordedEvent<GateDecided>[]): Promise<void> {
  for (const recorded of events) await em.upsert(DecisionRow, rowOf(recorded));
}

/** A decision as the API tells it. */
export interface Decision {
  readonly id: string;
  readonly gate: string;
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  readonly environment: string;
  readonly subjectHash: string;
  readonly requestedBy: string;
  readonly outcome: string;
  readonly results: readonly PolicyResultRow[];
  readonly inputHash: string;
  readonly policySet: { readonly name: string; readonly version: string; readonly hash: string };
  readonly engine: string;
  readonly permit?: { readonly id: string; readonly expiresAt: Date };
  readonly decidedAt: Date;
}

/** A decision of its own event: what was recorded, whenever it was. */
export const decisionOf = (recorded: RecordedEvent<GateDecided>): Decision => told(rowOf(recorded));

export async function decisions(em: EntityManager, projectId: string, modelVersionId: string | undefined, { limit, after }: PageQuery): Promise<Page<Decision>> {
  const where = { projectId, ...(modelVersionId ? { modelVersionId } : {}), ...(after ? { id: { $gt: after } } : {}) };
  const rows = await em.find(DecisionRow, where, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows.map(told), limit);
}

/** Somebody asked a gate about a subject; the first time. */
export interface KnownQuestion {
  readonly by: string;
  readonly subjectHash: string;
  readonly askedAt: Date;
  readonly stream: string;
  readonly revision: number;
}

/** Who asked about a version at a gate, each once for each subject; in order of who. */
export async function questionsAbout(em: EntityManager, gate: string, modelVersionId: string): Promise<readonly KnownQuestion[]> {
  const rows = await sqlOf(em).query<Omit<KnownQuestion, 'askedAt'> & { readonly ms: number }>(
    `select distinct on (requested_by, subject_hash) requested_by as by, subject_hash as "subjectHash", (extract(epoch from decided_at) * 1000)::float8 as ms, stream, revision
     from governance.decision where model_version_id = $2 and gate = $1 order by requested_by, subject_hash, decided_at, id`,
    [gate, modelVersionId],
  );
  return rows.map(({ ms, ...question }) => ({ ...question, askedAt: new Date(ms) }));
}

/** With the input that was judged and the streams it was read from, or null. */
export async function decisionById(em: EntityManager, projectId: string, id: string): Promise<(Decision & Pick<DecisionRow, 'stream' | 'revision' | 'positions'> & { readonly input: unknown }) | null> {
  const row = await em.findOne(DecisionRow, { id, projectId }, { populate: ['input'] });
  return row && { ...told(row), input: JSON.parse(row.input) as unknown, positions: row.positions, stream: row.stream, revision: row.revision };
}

function rowOf({ event, projectId, occurredAt, stream, revision }: RecordedEvent<GateDecided>) {
  const { subject, permit } = event;
  if (!subject) throw new Error(`the GateDecided of ${event.decisionId} names no subject`);
  const { gate, modelVersionId, modelId, version, environment, subjectHash } = subject;
  return {
    id: event.decisionId,
    projectId,
    ...{ gate, modelVersionId, modelId, version, environment, subjectHash },
    requestedBy: event.requestedBy,
    outcome: gateOutcomes.nameOf(event.outcome),
    results: event.results.map(({ policyId, title, outcome, reason }) => ({ policyId, title, outcome: policyOutcomes.nameOf(outcome), reason })),
    input: event.input,
    inputHash: event.inputHash,
    policySet: event.policySet,
    policySetVersion: event.policySetVersion,
    policySetHash: event.policySetHash,
    engine: event.engine,
    positions: event.positions.map((position) => ({ stream: position.stream, revision: Number(position.revision) })),
    permitId: permit?.permitId ?? null,
    permitExpiresAt: permit?.expiresAt ? timestampDate(permit.expiresAt) : null,
    decidedAt: new Date(occurredAt),
    stream,
    revision,
  };
}

interface Tellable extends Omit<Decision, 'policySet' | 'permit'> {
  readonly policySet: string;
  readonly policySetVersion: string;
  readonly policySetHash: string;
  readonly permitId?: string | null;
  readonly permitExpiresAt?: Date | null;
}

function told(row: Tellable): Decision {
  const { id, gate, modelVersionId, modelId, version, environment, subjectHash, requestedBy, outcome, results, inputHash, engine, permitId, permitExpiresAt, decidedAt } = row;
  return {
    ...{ id, gate, modelVersionId, modelId, version, environment, subjectHash, requestedBy, outcome, results, inputHash },
    policySet: { name: row.policySet, version: row.policySetVersion, hash: row.policySetHash },
    engine,
    ...(permitId && permitExpiresAt ? { permit: { id: permitId, expiresAt: permitExpiresAt } } : {}),
    decidedAt,
  };
}
