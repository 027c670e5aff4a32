import type { Sql } from '@vitae/event-store';
import type { Node } from '../lineage/node.ts';
import type { KeptDataset } from './kept.ts';
import { datasetName, modelName, namespaceOf } from './names.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * What each dataset of a tool is here: by the digest or the id that its version facet tells, or by our own name and number as
 * we tell them to others. A name alone says nothing: elsewhere another table may be called so.
 */
export async function identify(sql: Sql, projectId: string, datasets: readonly KeptDataset[]): Promise<(Node | undefined)[]> {
  const versions = datasets.map(({ version }) => version.toLowerCase()).filter((version) => UUID.test(version) || DIGEST.test(version));
  const ours = datasets.filter(({ namespace, version }) => namespace === namespaceOf(projectId) && /^\d{1,9}$/.test(version));
  if (versions.length === 0 && ours.length === 0) return datasets.map(() => undefined);
  const rows = await sql.query<{ kind: Node['kind']; id: string; digest: string; name: string; version: number }>(
    `select 'dataset-version' as kind, id, digest, dataset_name as name, version from registry.dataset_version
     where project_id = $1 and (id::text = any ($2) or digest = any ($2) or (dataset_name, version) in (select * from unnest($3::text[], $4::integer[])))
     union all
     select 'model-version', id, artefact_digest, model_name, version from registry.model_version
     where project_id = $1 and deleted_at is null and (id::text = any ($2) or (artefact_digest <> '' and artefact_digest = any ($2)) or (model_name, version) in (select * from unnest($5::text[], $4::integer[])))
     order by 2`,
    [projectId, versions, ours.map(({ name }) => datasetName(name) ?? ''), ours.map(({ version }) => Number(version)), ours.map(({ name }) => modelName(name) ?? '')],
  );
  return datasets.map(({ namespace, name, version }) => {
    const said = version.toLowerCase();
    const called = (kind: string) => (kind === 'dataset-version' ? datasetName(name) : modelName(name));
    const same = rows.filter((row) => row.id === said || row.digest === said || (namespace === namespaceOf(projectId) && called(row.kind) === row.name && String(row.version) === version));
    const found = same.find((row) => row.name === name || row.name === called(row.kind)) ?? same[0];
    return found && { kind: found.kind, id: found.id };
  });
}
