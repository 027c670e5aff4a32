import { Client } from 'pg';
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
        'model_versions (name, version, creation_time, last_updated_time, description, current_stage, source, storage_location, run_id, status)',
        part.map(({ name, version }) => [name, version, now + version, now + version, describes(version), 'None', sourceOf(version), sourceOf(version), runOf(version), 'READY']),
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
