import { Client } from 'pg';
import { callerOf } from './http-call.ts';
import { aliasesOf, describes, modelTags, runOf, sourceOf, versionTags, type SeedModel } from './world.ts';

/** Versions written by one statement. */
const AT_ONCE = 10_000;

/**
 * Fills MLflow's database with the rows that its API would have made: by the API a hundred thousand versions take hours.
 * What is not named here has its schema's default (the workspace). The server MUST have made its schema.
 */
export async function seedMlflow(url: string, models: readonly SeedModel[], progress: (line: string) => void): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const now = Date.now();
    await client.query(`insert into registered_models (name, creation_time, last_updated_time, description) select name, $2, $2, null from unnest($1::text[]) as m (name)`, [models.map(({ name }) => name), now]);
    await rows(client, 'registered_model_tags (name, key, value)', models.flatMap((model) => modelTags(model).map(({ key, value }) => [model.name, key, value])));
    await rows(client, 'registered_model_aliases (name, alias, version)', models.flatMap((model) => [...aliasesOf(model)].map(([alias, version]) => [model.name, alias, version])));
    const versions = models.flatMap(({ name, versions: count }) => Array.from({ length: count }, (_, i) => ({ name, version: i + 1 })));
    for (let at = 0; at < versions.length; at += AT_ONCE) {
      const part = versions.slice(at, at + AT_ONCE);
      await rows(
        client,
        'model_versions (name, version, creation_time, last_updated_time, description, current_stage, source, storage_location, run_id, run_link, status)',
        part.map(({ name, version }) => [name, version, now + version, now + version, describes(version), 'None', sourceOf(version), sourceOf(version), runOf(version), '', 'READY']),
      );
      await rows(client, 'model_version_tags (name, version, key, value)', part.flatMap(({ name, version }) => versionTags(version).map(({ key, value }) => [name, version, key, value])));
      progress(`MLflow: ${at + part.length} versions written`);
    }
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

/** Inserts by arrays, one for each column: PostgreSQL takes no more than 65,535 parameters. */
async function rows(client: Client, into: string, values: readonly (readonly (string | number)[])[]): Promise<void> {
  const [first] = values;
  if (!first) return;
  const columns = first.map((_, column) => values.map((row) => row[column]));
  const types = first.map((value, i) => `$${i + 1}::${typeof value === 'number' ? 'bigint' : 'text'}[]`);
  await client.query(`insert into ${into} select * from unnest(${types.join(', ')})`, columns);
}

/**
 * Has MLflow's API make a version beside the seed, with the content of the seed's first one, and compares what it then
 * answers of both. The model that this takes is deleted again.
 * @throws when they differ in more than names, numbers and times.
 */
export async function sameAsByApi(url: string, { name }: SeedModel): Promise<void> {
  const caller = callerOf(url, 'new', undefined);
  const api = '/api/2.0/mlflow';
  const other = 'made-by-the-api';
  const get = async (of: string): Promise<string> => {
    const { model_version: found } = JSON.parse(await caller.call({ method: 'GET', path: `${api}/model-versions/get?name=${of}&version=1` })) as { readonly model_version: Readonly<Record<string, unknown>> };
    const { name: _name, creation_timestamp: _created, last_updated_timestamp: _updated, aliases: _aliases, tags, ...said } = found;
    return JSON.stringify(Object.entries({ ...said, tags: [...(tags as readonly { readonly key: string }[])].sort((a, b) => (a.key < b.key ? -1 : 1)) }).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  try {
    await caller.call({ method: 'POST', path: `${api}/registered-models/create`, body: { name: other } });
    await caller.call({ method: 'POST', path: `${api}/model-versions/create`, body: { name: other, source: sourceOf(1), run_id: runOf(1), description: describes(1), tags: versionTags(1) } });
    const [seeded, made] = [await get(name), await get(other)];
    if (seeded !== made) throw new Error(`MLflow answers otherwise of the seed than of what its API makes: ${seeded} and ${made}`);
    await caller.call({ method: 'DELETE', path: `${api}/registered-models/delete`, body: { name: other } });
  } finally {
    caller.close();
  }
}
