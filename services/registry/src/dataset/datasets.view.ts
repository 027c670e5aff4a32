import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ExpectationSeverity, OnFailure as OnFailureKind, type Expectation as ExpectationMessage } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type ViewTransaction } from '@vitae/service-kit';
import { isoSql } from '../search/search.view.ts';
import type { OnFailure } from './assessment.ts';
import type { DatasetEvent } from './dataset.ts';
import type { Expectation, ExpectationKind } from './expectation.ts';

/** What is expected of a dataset's versions now. */
export interface ExpectedOf {
  readonly expectations: readonly Expectation[];
  readonly expectationsRevision: number;
  readonly onFailure: OnFailure;
}

/** A dataset as it is shown: what was said of it, and what there is of it. */
export interface DatasetShown {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly expectationsRevision: number;
  /** Of the stream in which it is described; 0 while nothing was said. */
  readonly revision: number;
  readonly versions: number;
  /** 0 while there is none. */
  readonly latestVersion: number;
  /** RFC 3339. */
  readonly updatedAt: string;
}

export async function projectDataset({ sql }: ViewTransaction, events: readonly RecordedEvent<DatasetEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event } = recorded;
    await begin(sql, recorded);
    const change = async (set: string, ...values: unknown[]): Promise<void> => {
      await sql.query(`update dataset set revision = $2, updated_at = $3, ${set} where id = $1 and revision < $2`, [event.datasetId, recorded.revision, new Date(recorded.recordedAt), ...values]);
    };
    switch (event.$typeName) {
      case 'vitae.registry.v1.DatasetDescribed':
        await change('description = $4, owner = $5', event.description, event.owner);
        break;
      case 'vitae.registry.v1.DatasetTagged':
        await change('tags = tags || jsonb_build_object($4::text, $5::text)', event.key, event.value);
        break;
      case 'vitae.registry.v1.DatasetTagRemoved':
        await change('tags = tags - $4::text', event.key);
        break;
      case 'vitae.registry.v1.DatasetExpectationsStated':
        await change('expectations = $4::jsonb, expectations_revision = $5, on_failure = $6', JSON.stringify(event.expectations.map(expectationOf)), event.expectationsRevision, event.onFailure === OnFailureKind.QUARANTINE ? 'quarantine' : 'note');
        break;
    }
  }
}

/** The first thing that is said of a dataset makes its row. */
async function begin(sql: Sql, { projectId, stream, recordedAt, event }: RecordedEvent<DatasetEvent>): Promise<void> {
  await sql.query(
    `insert into dataset (id, project_id, name, stream, revision, description, owner, tags, expectations, expectations_revision, on_failure, updated_at)
     values ($1, $2, $3, $4, 0, '', '', '{}', '[]', 0, 'note', $5) on conflict do nothing`,
    [event.datasetId, projectId, event.datasetName, stream, new Date(recordedAt)],
  );
}

const expectationOf = ({ $typeName: _, $unknown: __, kind, severity, ...same }: ExpectationMessage): Expectation => ({
  ...same,
  kind: kind as ExpectationKind,
  severity: severity === ExpectationSeverity.ERROR ? 'error' : 'warning',
});

export interface DatasetSearch {
  /** Part of a name or a description, whatever its case. */
  readonly search?: string | undefined;
  readonly owner?: string | undefined;
  /** `key` or `key=value`. */
  readonly tag?: string | undefined;
  readonly limit: number;
  /** The name to go on after. */
  readonly after?: string | undefined;
}

// A dataset is there when something was said of it or a version of it was registered; either may come first.
const DATASETS = `
  select coalesce(d.name, v.dataset_name) as name, coalesce(d.description, '') as description, coalesce(d.owner, '') as owner, coalesce(d.tags, '{}') as tags,
    coalesce(d.expectations_revision, 0) as "expectationsRevision", coalesce(d.revision, 0) as revision, coalesce(v.versions, 0)::integer as versions,
    coalesce(v.latest, 0) as "latestVersion", greatest(d.updated_at, v.updated_at) as at
  from (select * from registry.dataset where project_id = $1) d
  full join (select dataset_name, count(*) as versions, max(version) as latest, max(updated_at) as updated_at from registry.dataset_version where project_id = $1 group by dataset_name) v
    on v.dataset_name = d.name`;
const SHOWN = `name, description, owner, tags, "expectationsRevision", revision, versions, "latestVersion", ${isoSql('at')} as "updatedAt"`;

/** Questions about datasets, each within one project. */
@Injectable()
export class Datasets {
  constructor(private readonly em: EntityManager) {}

  async byName(projectId: string, name: string): Promise<DatasetShown | undefined> {
    const [row] = await this.#sql.query<DatasetShown>(`select ${SHOWN} from (${DATASETS}) s where name = $2`, [projectId, name]);
    return row;
  }

  /** By name, one more than the limit when there are more. */
  list(projectId: string, { search, owner, tag, limit, after }: DatasetSearch): Promise<DatasetShown[]> {
    const [key, value] = tag === undefined ? [undefined, undefined] : splitTag(tag);
    return this.#sql.query<DatasetShown>(
      `select ${SHOWN} from (${DATASETS}) s
       where ($2::text is null or position(lower($2) in lower(name)) > 0 or position(lower($2) in lower(description)) > 0)
         and ($3::text is null or owner = $3) and ($4::text is null or tags ? $4) and ($5::text is null or tags ->> $4 = $5) and ($6::text is null or name > $6)
       order by name limit $7`,
      [projectId, search ?? null, owner ?? null, key ?? null, value ?? null, after ?? null, limit + 1],
    );
  }

  /** Undefined when nothing is expected. */
  async expectedOf(projectId: string, name: string): Promise<ExpectedOf | undefined> {
    const expected = await this.statedOf(projectId, name);
    return expected && expected.expectations.length > 0 ? expected : undefined;
  }

  /** What was stated last, if anything ever was. */
  async statedOf(projectId: string, name: string): Promise<(ExpectedOf & { readonly revision: number }) | undefined> {
    const [row] = await this.#sql.query<ExpectedOf & { readonly revision: number }>(
      `select expectations, expectations_revision as "expectationsRevision", on_failure as "onFailure", revision from registry.dataset where project_id = $1 and name = $2 and expectations_revision > 0`,
      [projectId, name],
    );
    return row;
  }

  get #sql(): Sql {
    return sqlOf(this.em.fork());
  }
}

function splitTag(tag: string): readonly [string, string | undefined] {
  const at = tag.indexOf('=');
  return at < 0 ? [tag, undefined] : [tag.slice(0, at), tag.slice(at + 1)];
}
