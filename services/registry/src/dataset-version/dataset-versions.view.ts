import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ColumnKind, PiiClass, QualityOutcome, type ColumnProfile, type DatasetQualityAssessed, type DatasetSensitivityClassified, type DatasetVersionRegistered } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type ViewTransaction } from '@vitae/service-kit';
import type { OutcomeName } from '../dataset/assessment.ts';
import { countVersion, scopeOfDataset } from '../version-counter.view.ts';
import { quarantinedAmong } from './ancestry.view.ts';
import type { DatasetVersionEvent } from './dataset-version.ts';
import { PII_NAMES, type PiiClassName } from './pii-class.ts';
import type { NamedVersion } from './refusals.ts';
import { CROWD, type ColumnContent, type DatasetDeclaration, type MediaType } from './registration.ts';
import type { Suggestion } from './sensitivity/suggest.ts';

export interface ColumnRow extends ColumnContent {
  readonly piiClass: PiiClassName;
  /** Nobody classed it, and a scan says that it looks personal. */
  readonly piiUnconfirmed: boolean;
}

/** What somebody did to a version, and why. */
export interface Deed {
  readonly reason: string;
  readonly at: string;
  readonly by: string;
}

export const DatasetVersionRow = defineEntity({
  name: 'DatasetVersionRow',
  tableName: 'dataset_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    datasetName: p.text(),
    version: p.integer(),
    stream: p.text(),
    revision: p.integer(),
    digest: p.text(),
    sizeBytes: p.bigint('number'),
    mediaType: p.text().$type<MediaType>(),
    rowCount: p.bigint('number'),
    columns: p.json<readonly ColumnRow[]>(),
    splits: p.json<readonly { readonly name: string; readonly rowCount: number }[]>(),
    splitColumn: p.text(),
    labelColumn: p.text(),
    protectedColumns: p.json<readonly string[]>(),
    piiClass: p.text().$type<PiiClassName>(),
    lawfulBasis: p.text(),
    allowedPurposes: p.json<readonly string[]>(),
    residency: p.text(),
    retentionUntil: p.text(),
    source: p.text(),
    licence: p.text(),
    derivedFrom: p.json<DatasetDeclaration['derivedFrom']>(),
    labellingNotes: p.text(),
    anonymisations: p.json<DatasetDeclaration['anonymisations']>(),
    piiSuggestions: p.json<readonly Suggestion[]>(),
    /** The assessment that it failed, if no person demanded it. */
    quarantine: p.json<Deed & { readonly assessmentId: string }>().nullable(),
    deprecation: p.json<Deed & { readonly successorId: string }>().nullable(),
    erasure: p.json<Deed>().nullable(),
    /** The newest assessment. */
    quality: p.json<{ readonly assessmentId: string; readonly outcome: OutcomeName; readonly at: string }>().nullable(),
    registeredAt: p.datetime(),
    registeredBy: p.text(),
    updatedAt: p.datetime(),
  },
});
export type DatasetVersionRow = InferEntity<typeof DatasetVersionRow>;

export const OUTCOME_NAMES: Readonly<Record<QualityOutcome, OutcomeName>> = {
  [QualityOutcome.UNSPECIFIED]: 'failed',
  [QualityOutcome.PASSED]: 'passed',
  [QualityOutcome.WARNED]: 'warned',
  [QualityOutcome.FAILED]: 'failed',
};

export async function projectDatasetVersion(tx: ViewTransaction, events: readonly RecordedEvent<DatasetVersionEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, recordedAt, actor } = recorded;
    const deed = (more: object = {}): string => JSON.stringify({ at: new Date(recordedAt).toISOString(), by: actor.id, ...more });
    const change = (set: string, ...values: unknown[]): Promise<void> => changed(tx.sql, recorded, set, values);
    switch (event.$typeName) {
      case 'vitae.registry.v1.DatasetVersionRegistered':
        await insert(tx, recorded, event);
        break;
      case 'vitae.registry.v1.DatasetVersionQuarantined':
        await change('quarantine = $4::jsonb', deed({ reason: event.reason, assessmentId: event.assessmentId }));
        break;
      case 'vitae.registry.v1.DatasetVersionQuarantineLifted':
        await change('quarantine = null');
        break;
      case 'vitae.registry.v1.DatasetVersionDeprecated':
        await change('deprecation = $4::jsonb', deed({ reason: event.reason, successorId: event.successorDatasetVersionId }));
        break;
      case 'vitae.registry.v1.DatasetVersionDeprecationLifted':
        await change('deprecation = null');
        break;
      case 'vitae.registry.v1.DatasetSensitivityClassified':
        await classify(tx.sql, recorded, event);
        break;
      case 'vitae.registry.v1.DatasetQualityAssessed':
        await change('quality = $4::jsonb', JSON.stringify({ assessmentId: event.assessmentId, outcome: OUTCOME_NAMES[event.outcome], at: new Date(recordedAt).toISOString() }));
        await keepAssessment(tx.sql, recorded, event);
        break;
      case 'vitae.registry.v1.DatasetVersionErased':
        await change(`erasure = $4::jsonb, columns = ${CLEARED}, splits = '[]', pii_suggestions = '[]'`, deed({ reason: event.reason }));
        break;
    }
  }
}

/** Names, types and classes stay; what was counted goes. */
const CLEARED = `(
  select coalesce(jsonb_agg(jsonb_build_object('name', c -> 'name', 'dataType', c -> 'dataType', 'kind', c -> 'kind', 'piiClass', c -> 'piiClass',
    'piiUnconfirmed', coalesce(c -> 'piiUnconfirmed', 'false'), 'nullCount', 0, 'distinctCount', 0, 'quartiles', '[]'::jsonb, 'topValues', '[]'::jsonb) order by n), '[]')
  from jsonb_array_elements(columns) with ordinality as listed (c, n))`;

/** An event that was projected before changes nothing. Parameters of `set` begin at $4. */
async function changed(sql: Sql, { event, revision, recordedAt }: RecordedEvent<DatasetVersionEvent>, set: string, values: readonly unknown[]): Promise<void> {
  await sql.query(`update dataset_version set revision = $2, updated_at = greatest(updated_at, $3), ${set} where id = $1 and revision < $2`, [event.datasetVersionId, revision, new Date(recordedAt), ...values]);
}

async function insert({ em, sql }: ViewTransaction, { projectId, stream, revision, recordedAt, actor }: RecordedEvent, event: DatasetVersionRegistered): Promise<void> {
  const { $typeName: _, $unknown: __, datasetVersionId, sizeBytes, rowCount, columns, splits, piiClass, mediaType, derivedFromDatasetVersionIds, derivedFromUris, anonymisations, piiSuggestions, ...same } = event;
  const at = new Date(recordedAt);
  await em.upsert(
    DatasetVersionRow,
    {
      ...same,
      id: datasetVersionId,
      projectId,
      stream,
      revision,
      sizeBytes: Number(sizeBytes),
      mediaType: mediaType as MediaType,
      rowCount: Number(rowCount),
      columns: columns.map(columnRow),
      splits: splits.map((split) => ({ name: split.name, rowCount: Number(split.rowCount) })),
      piiClass: PII_NAMES[piiClass],
      derivedFrom: { datasetVersionIds: derivedFromDatasetVersionIds, uris: derivedFromUris },
      anonymisations: anonymisations.map(({ method, parameters, columns: changedColumns, note }) => ({ method, parameters, columns: changedColumns, note })),
      piiSuggestions: piiSuggestions.map(({ column, piiClass: suggested, detector, sampled, matched }) => ({ column, piiClass: suggested === PiiClass.SPECIAL ? 'special' : 'personal', detector, sampled, matched })),
      registeredAt: at,
      registeredBy: actor.id,
      updatedAt: at,
    },
    { onConflictFields: ['id'], onConflictAction: 'ignore' },
  );
  if (derivedFromDatasetVersionIds.length > 0) {
    await sql.query('insert into dataset_derivation (dataset_version_id, source_id) select $1::uuid, unnest($2::uuid[]) on conflict do nothing', [datasetVersionId, derivedFromDatasetVersionIds]);
  }
  await countVersion(sql, scopeOfDataset(projectId, event.datasetName), event.version);
}

function columnRow({ $typeName: _, $unknown: __, kind, nullCount, distinctCount, topValues, piiClass, ...same }: ColumnProfile): ColumnRow {
  return {
    ...same,
    kind: kind === ColumnKind.NUMERIC ? 'numeric' : 'categorical',
    nullCount: Number(nullCount),
    distinctCount: Number(distinctCount),
    topValues: topValues.map(({ value, count }) => ({ value, count: Number(count) })),
    piiClass: PII_NAMES[piiClass],
  };
}

/** What became personal is shown as personal from here on: no extremes, no rare value. */
async function classify(sql: Sql, recorded: RecordedEvent<DatasetVersionEvent>, event: DatasetSensitivityClassified): Promise<void> {
  const [row] = await sql.query<{ columns: readonly ColumnRow[] }>('select columns from dataset_version where id = $1', [event.datasetVersionId]);
  const said = new Map(event.columns.map(({ name, piiClass }) => [name, PII_NAMES[piiClass]]));
  const columns = (row?.columns ?? []).map((column) => reclassed(column, said.get(column.name)));
  const { lawfulBasis, allowedPurposes, residency, retentionUntil } = event;
  await changed(sql, recorded, 'columns = $4::jsonb, pii_class = $5, lawful_basis = $6, allowed_purposes = $7::jsonb, residency = $8, retention_until = $9', [
    JSON.stringify(columns),
    PII_NAMES[event.piiClass],
    lawfulBasis,
    JSON.stringify(allowedPurposes),
    residency,
    retentionUntil,
  ]);
}

function reclassed(column: ColumnRow, piiClass: PiiClassName | undefined): ColumnRow {
  if (piiClass === undefined) return column;
  const { minimum, maximum, topValues, ...rest } = column;
  const known = { ...rest, piiClass, piiUnconfirmed: false };
  return piiClass === 'none' ? { ...known, minimum, maximum, topValues } : { ...known, topValues: topValues.filter(({ count }) => count >= CROWD) };
}

async function keepAssessment(sql: Sql, { projectId, recordedAt, actor }: RecordedEvent, { datasetVersionId, assessmentId, expectationsRevision, outcome, rowCount, results }: DatasetQualityAssessed): Promise<void> {
  const told = results.map(({ $typeName: _, $unknown: __, severity, checkedRows, failingRows, fault, ...same }) => ({
    ...same,
    severity: severity === 2 ? 'error' : 'warning',
    checkedRows: Number(checkedRows),
    failingRows: Number(failingRows),
    ...(fault === '' ? {} : { fault }),
  }));
  await sql.query(
    `insert into dataset_quality (id, project_id, dataset_version_id, expectations_revision, outcome, row_count, results, assessed_at, assessed_by)
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9) on conflict do nothing`,
    [assessmentId, projectId, datasetVersionId, expectationsRevision, OUTCOME_NAMES[outcome], Number(rowCount), JSON.stringify(told), new Date(recordedAt), actor.id],
  );
}

/** `erased`, `quarantined`, `deprecated` or `registered`: the first of these that holds. */
export type DatasetVersionStateName = 'registered' | 'deprecated' | 'quarantined' | 'erased';
export const stateOf = ({ erasure, quarantine, deprecation }: Pick<DatasetVersionRow, 'erasure' | 'quarantine' | 'deprecation'>): DatasetVersionStateName =>
  erasure ? 'erased' : quarantine ? 'quarantined' : deprecation ? 'deprecated' : 'registered';

export interface ListedVersions {
  readonly datasetName?: string | undefined;
  readonly state?: DatasetVersionStateName | undefined;
  readonly piiClass?: PiiClassName | undefined;
  readonly retention?: 'expired' | undefined;
  /** Version of a dataset by another: which were made of it. */
  readonly derivedFrom?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

const STATE_SQL: Readonly<Record<DatasetVersionStateName, string>> = {
  erased: 'erasure is not null',
  quarantined: 'erasure is null and quarantine is not null',
  deprecated: 'erasure is null and quarantine is null and deprecation is not null',
  registered: 'erasure is null and quarantine is null and deprecation is null',
};

/** Questions about dataset versions, each within one project. */
@Injectable()
export class DatasetVersions {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<DatasetVersionRow | null> {
    return this.em.fork().findOne(DatasetVersionRow, { projectId, id });
  }

  byNumber(projectId: string, datasetName: string, version: number): Promise<DatasetVersionRow | null> {
    return this.em.fork().findOne(DatasetVersionRow, { projectId, datasetName, version });
  }

  byDigest(projectId: string, datasetName: string, digest: string): Promise<DatasetVersionRow | null> {
    return this.em.fork().findOne(DatasetVersionRow, { projectId, datasetName, digest });
  }

  /** In the order of registration, one more than the limit when there are more. @param today a date; what could be kept until before it is expired. */
  async list(projectId: string, { datasetName, state, piiClass, retention, derivedFrom, limit, after }: ListedVersions, today: string): Promise<DatasetVersionRow[]> {
    const rows = await sqlOf(this.em.fork()).query<{ id: string }>(
      `select id from registry.dataset_version v
       where project_id = $1 and ($2::text is null or dataset_name = $2) and ${state ? STATE_SQL[state] : 'true'} and ($3::text is null or pii_class = $3)
         and (${retention === 'expired' ? `retention_until <> '' and retention_until < $4 and erasure is null` : '$4::text is not null'})
         and ($5::uuid is null or exists (select from registry.dataset_derivation d where d.dataset_version_id = v.id and d.source_id = $5))
         and ($6::uuid is null or id > $6)
       order by id limit $7`,
      [projectId, datasetName ?? null, piiClass ?? null, today, derivedFrom ?? null, after ?? null, limit + 1],
    );
    const found = await this.em.fork().find(DatasetVersionRow, { id: { $in: rows.map(({ id }) => id) } }, { orderBy: { id: 'asc' } });
    return found;
  }

  /** Itself or what it was made of. */
  quarantinedSources(projectId: string, id: string): Promise<readonly NamedVersion[]> {
    return quarantinedAmong(sqlOf(this.em.fork()), projectId, id);
  }

  async assessments(projectId: string, datasetVersionId: string, { limit, after }: { readonly limit: number; readonly after?: string | undefined }): Promise<readonly { readonly id: string }[]> {
    return sqlOf(this.em.fork()).query(
      `select id, expectations_revision as "expectationsRevision", outcome, row_count::integer as "rowCount", results, assessed_by as "assessedBy",
         to_char(assessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "assessedAt"
       from registry.dataset_quality where project_id = $1 and dataset_version_id = $2 and ($3::uuid is null or id < $3) order by id desc limit $4`,
      [projectId, datasetVersionId, after ?? null, limit + 1],
    );
  }
}
