import { createHash } from 'node:crypto';
import { canonicalJson } from '@vitae/contracts';
import type { Sql } from '@vitae/event-store';
import { contentOfTags } from '../prompt/prompt.ts';
import { promptDigest } from '../prompt/prompts.view.ts';
import { keyOf, type KnownComponent, type SaidComponent, type Standing } from './composition.ts';

type Asked = Pick<SaidComponent, 'kind' | 'id' | 'revision'>;

/** How these components stand now, by `keyOf`; those that the project does not have are not among them. */
export async function standingOf(sql: Sql, projectId: string, asked: readonly Asked[]): Promise<ReadonlyMap<string, KnownComponent>> {
  const of = (...kinds: readonly Asked['kind'][]): readonly Asked[] => asked.filter(({ kind }) => kinds.includes(kind));
  const found = [
    ...(await versions(sql, projectId, of('model-version', 'prompt-version'))),
    ...(await revisions(sql, 'guardrail', projectId, of('guardrail'))),
    ...(await revisions(sql, 'tool', projectId, of('tool'))),
    ...(await datasets(sql, projectId, of('dataset-version'))),
    ...(await suites(sql, projectId, of('evaluation-suite'))),
  ];
  return new Map(found.map((one) => [keyOf(one), one]));
}

/** Keeps model versions, and with them prompts, from being deleted until the transaction ends: whoever comes second sees what the first one did. */
export async function holdVersions(sql: Sql, projectId: string, asked: readonly Asked[]): Promise<void> {
  const ids = asked.filter(({ kind }) => kind === 'model-version' || kind === 'prompt-version').map(({ id }) => id);
  if (ids.length === 0) return;
  // Models first, as everybody does: deleting a model hides its versions.
  await sql.query('select id from registry.model where id in (select model_id from registry.model_version where project_id = $1 and id = any($2::uuid[])) order by id for share', [projectId, ids]);
  await sql.query('select id from registry.model_version where project_id = $1 and id = any($2::uuid[]) order by id for share', [projectId, ids]);
}

interface VersionRow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly state: 'registered' | 'deprecated' | 'retired' | 'purged';
  readonly deleted: boolean;
  readonly quarantined: boolean;
  readonly digest: string;
  readonly tags: Readonly<Record<string, string>>;
}

async function versions(sql: Sql, projectId: string, asked: readonly Asked[]): Promise<readonly KnownComponent[]> {
  if (asked.length === 0) return [];
  const rows = await sql.query<VersionRow>(
    `select v.id, m.name, v.version, v.state, coalesce(v.deleted_at, m.deleted_at) is not null as deleted,
       exists (select from registry.dataset_version d where d.id = v.dataset_version_id and d.quarantine is not null) as quarantined,
       coalesce(nullif(v.artefact_digest, ''), v.external #>> '{weights,digest}', '') as digest, v.tags
     from registry.model_version v join registry.model m on m.id = v.model_id where v.project_id = $1 and v.id = any($2::uuid[])`,
    [projectId, asked.map(({ id }) => id)],
  );
  return rows.flatMap(({ id, name, version, state, deleted, quarantined, digest, tags }): KnownComponent[] => {
    const content = contentOfTags(tags);
    const kind = content ? 'prompt-version' : 'model-version';
    const standing: Standing = deleted ? 'deleted' : state === 'purged' || state === 'retired' ? state : quarantined ? 'quarantined' : state === 'registered' ? 'active' : state;
    return [{ kind, id, revision: 0, name, version, digest: content ? promptDigest(content) : digest, standing }];
  });
}

async function revisions(sql: Sql, kind: 'guardrail' | 'tool', projectId: string, asked: readonly Asked[]): Promise<readonly KnownComponent[]> {
  if (asked.length === 0) return [];
  const unwatched = kind === 'tool' ? `r.content ->> 'effect' = 'irreversible' and not (r.content ->> 'approvalRequired')::boolean` : 'false';
  const rows = await sql.query<Omit<KnownComponent, 'kind'>>(
    `select t.id, r.number as revision, t.name, r.number as version, r.digest, r.state as standing, ${unwatched} as unwatched
     from unnest($2::uuid[], $3::integer[]) as a (id, number) join registry.${kind} t on t.id = a.id and t.project_id = $1 join registry.${kind}_revision r on r.${kind}_id = a.id and r.number = a.number`,
    [projectId, asked.map(({ id }) => id), asked.map(({ revision }) => revision)],
  );
  return rows.map((row) => ({ ...row, kind }));
}

async function datasets(sql: Sql, projectId: string, asked: readonly Asked[]): Promise<readonly KnownComponent[]> {
  if (asked.length === 0) return [];
  const rows = await sql.query<Omit<KnownComponent, 'kind' | 'revision'>>(
    `select d.id, d.dataset_name as name, d.version, d.digest,
       case when d.erasure is not null then 'erased' when d.quarantine is not null then 'quarantined' when d.deprecation is not null then 'deprecated' else 'active' end as standing
     from registry.dataset_version d where d.project_id = $1 and d.id = any($2::uuid[])`,
    [projectId, asked.map(({ id }) => id)],
  );
  return rows.map((row) => ({ ...row, kind: 'dataset-version', revision: 0 }));
}

interface SuiteRow {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly published: boolean;
  readonly content: unknown;
}

async function suites(sql: Sql, projectId: string, asked: readonly Asked[]): Promise<readonly KnownComponent[]> {
  if (asked.length === 0) return [];
  const rows = await sql.query<SuiteRow>(
    `select s.id, s.name, r.number as revision, r.published_at is not null as published, r.content
     from unnest($2::uuid[], $3::integer[]) as a (id, number) join registry.evaluation_suite s on s.id = a.id and s.project_id = $1 join registry.evaluation_suite_revision r on r.suite_id = a.id and r.number = a.number`,
    [projectId, asked.map(({ id }) => id), asked.map(({ revision }) => revision)],
  );
  return rows.map(({ id, name, revision, published, content }) => ({
    kind: 'evaluation-suite', id, revision, name, version: revision, digest: `sha256:${createHash('sha256').update(canonicalJson(content)).digest('hex')}`, standing: published ? 'active' : 'draft',
  }));
}
