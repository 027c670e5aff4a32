import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { create, type Message } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema, ModelAliasAssignedSchema, ModelRegisteredSchema, ModelTaggedSchema, ModelVersionReferencedSchema, ModelVersionTaggedSchema } from '@vitae/contracts';
import { groupCommit, streamName, type Attribution, type GroupCommit } from '@vitae/event-store';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { openPool } from '../ledger/testbed.ts';
import { REGISTRY } from './programs.ts';
import { VIEW_ROWS } from './view-rows.ts';
import { ACTOR, aliasesOf, describes, modelTags, PROJECT, runOf, sourceOf, versionTags, type SeedModel } from './world.ts';

/** Streams written at once. */
const AT_ONCE = 2_000;
const run = promisify(execFile);

/**
 * Fills a registry's database with the very events that MLflow's client would have caused (checked against their contract,
 * appended by group commit), and writes the views from them. A registry MUST have made the schemas, and not run since.
 */
export async function seedVitae(url: string, models: readonly SeedModel[], progress: (done: number) => void): Promise<void> {
  const pool = await openPool(url, 4);
  try {
    const appends = groupCommit(pool, { maxBatch: 500 });
    const known = models.map((model) => ({ model, modelId: uuidv7(), ids: Array.from({ length: model.versions }, () => uuidv7()) }));
    await each(known, ({ model, modelId, ids }) => register(appends, modelId, model, ids)); // all of them before any version
    const all = known.flatMap(({ model, modelId, ids }) => ids.map((id, i) => ({ model, modelId, id, version: i + 1 })));
    await each(all, ({ model, modelId, id, version }) => reference(appends, modelId, model, id, version), progress);
    await appends.close();
    await place(pool);
    for (const rows of VIEW_ROWS) await pool.query(rows);
    await pool.query('vacuum analyze');
  } finally {
    await pool.end();
  }
}

/** Has the registry make its views anew from the ledger and compare. @throws when any row is another. */
export async function sameAsProjected(url: string): Promise<void> {
  const env = { ...process.env, DATABASE_URL: url, OTEL_SDK_DISABLED: 'true' };
  await run(process.execPath, [REGISTRY, 'rebuild', '--compare'], { env, maxBuffer: 64 * 1024 * 1024 }).catch(({ stdout }: { stdout?: string }) => {
    throw new Error(`the seed is not what the registry makes of its events: ${stdout?.trim().split('\n').at(-1)}`);
  });
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>, progress: (done: number) => void = () => undefined): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    await Promise.all(items.slice(at, at + AT_ONCE).map(work));
    progress(Math.min(at + AT_ONCE, items.length));
  }
}

const attribution = (reason: string): Attribution => ({
  projectId: PROJECT,
  actor: create(ActorSchema, { id: ACTOR, kind: ActorKind.HUMAN }),
  reason,
  occurredAt: new Date().toISOString(),
  correlationId: uuidv7(),
  causationId: '',
  traceparent: '',
});

function register(appends: GroupCommit, modelId: string, model: SeedModel, versions: readonly string[]): Promise<unknown> {
  const { name } = model;
  const events: Message[] = [
    create(ModelRegisteredSchema, { modelId, name, description: '', task: '', useCaseId: '' }),
    ...modelTags(model).map((tag) => create(ModelTaggedSchema, { modelId, ...tag })),
    ...[...aliasesOf(model)].map(([alias, version]) => create(ModelAliasAssignedSchema, { modelId, alias, version, modelVersionId: versions[version - 1] ?? '' })),
  ];
  return appends.append({ stream: streamName('registry.Model', modelId), expected: 'noStream', events, attribution: attribution(`Registers the model ${name}.`), subjects: [`model:${modelId}`] });
}

function reference(appends: GroupCommit, modelId: string, { name }: SeedModel, modelVersionId: string, version: number): Promise<unknown> {
  const source = sourceOf(version);
  const events: Message[] = [
    create(ModelVersionReferencedSchema, { modelVersionId, modelId, modelName: name, version, source, location: source, runId: runOf(version), contributors: [ACTOR], description: describes(version) }),
    ...versionTags(version).map((tag) => create(ModelVersionTaggedSchema, { modelVersionId, modelId, version, ...tag })),
  ];
  return appends.append({
    stream: streamName('registry.ModelVersion', modelVersionId),
    expected: 'noStream',
    events,
    attribution: attribution(`Registers version ${version} of ${name} by reference to ${source}.`),
    subjects: [`model:${modelId}`, `model-version:${modelVersionId}`],
  });
}

/** What the ledger service does: gives each event its index. And the registry's consumer has none of these events to look at. */
async function place(pool: Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ placed: number }>('select ledger.sequence(20000) as placed');
    if (rows[0]?.placed === 0) break;
  }
  await pool.query(`insert into messaging.bookmark (consumer, next_index) select 'registry.lifecycle', next_index from ledger.head on conflict (consumer) do update set next_index = excluded.next_index`);
}
