import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create, type Message } from '@bufbuild/protobuf';
import { expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, ModelDeletedSchema, ModelRestoredSchema, ModelVersionDeletedSchema, ModelVersionPurgedSchema, ModelVersionRestoredSchema } from '@vitae/contracts';
import { append, ledgerMigrations, migrate, pooledSql } from '@vitae/event-store';
import { freshDatabase } from '@vitae/testing';
import pg from 'pg';
import { v7 as uuid } from 'uuid';

const MIGRATIONS = new URL('../../migrations/', import.meta.url);

it('An installation that was there before knows what is gone, though its bookmark is past that', async () => {
  const [database, directory] = await Promise.all([freshDatabase(), mkdtemp(join(tmpdir(), 'vitae-migrations-'))]);
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  try {
    const [first = ''] = (await readdir(MIGRATIONS)).sort();
    await copyFile(new URL(first, MIGRATIONS), join(directory, first));
    await migrate(database.url, ledgerMigrations);
    await migrate(database.url, { schema: 'deployment', directory: pathToFileURL(`${directory}/`) });

    const happened = async (stream: string, ...events: Message[]): Promise<void> => {
      const attribution = { projectId: 'bank', actor: create(ActorSchema, { id: 'spec', kind: ActorKind.SYSTEM }), reason: '', occurredAt: new Date().toISOString(), correlationId: uuid(), causationId: '', traceparent: '' };
      await append(pooledSql(pool), { stream, expected: 'any', events, attribution, subjects: [] });
    };
    const [there, deleted, restored, purged, ofDeleted] = [uuid(), uuid(), uuid(), uuid(), uuid()];
    const [model, deletedModel, restoredModel] = [uuid(), uuid(), uuid()];
    for (const id of [model, deletedModel, restoredModel]) await pool.query(`insert into deployment.model (id, project_id, name) values ($1, 'bank', 'credit')`, [id]);
    for (const id of [there, deleted, restored, purged, ofDeleted]) {
      await pool.query(`insert into deployment.model_version (id, project_id, model_id, version, artefact_digest, files, retired) values ($1, 'bank', $2, 1, '', '[]', false)`, [id, id === ofDeleted ? deletedModel : model]);
    }
    const version = (modelVersionId: string) => ({ modelVersionId, modelId: model, version: 1 });
    await happened(`registry.ModelVersion-${deleted}`, create(ModelVersionDeletedSchema, version(deleted)));
    await happened(`registry.ModelVersion-${restored}`, create(ModelVersionDeletedSchema, version(restored)), create(ModelVersionRestoredSchema, version(restored)));
    await happened(`registry.ModelVersion-${purged}`, create(ModelVersionDeletedSchema, version(purged)), create(ModelVersionPurgedSchema, { ...version(purged), artefactDigest: `sha256:${'a'.repeat(64)}` }));
    await happened(`registry.Model-${deletedModel}`, create(ModelDeletedSchema, { modelId: deletedModel, name: 'credit' }));
    await happened(`registry.Model-${restoredModel}`, create(ModelDeletedSchema, { modelId: restoredModel, name: 'credit' }), create(ModelRestoredSchema, { modelId: restoredModel, name: 'credit' }));

    await migrate(database.url, { schema: 'deployment', directory: MIGRATIONS });
    const rows = async (what: string) => new Map((await pool.query<{ id: string; is: string }>(what)).rows.map(({ id, is }) => [id, is]));
    expect(await rows(`select id, concat_ws(' ', case when deleted then 'deleted' end, case when purged then 'purged' end) as is from deployment.model_version`)).toEqual(
      new Map([[there, ''], [deleted, 'deleted'], [restored, ''], [purged, 'deleted purged'], [ofDeleted, '']]),
    );
    expect(await rows(`select id, case when deleted then 'deleted' else '' end as is from deployment.model`)).toEqual(new Map([[model, ''], [deletedModel, 'deleted'], [restoredModel, '']]));
  } finally {
    await pool.end();
    await Promise.allSettled([database.drop(), rm(directory, { recursive: true, force: true })]);
  }
});
