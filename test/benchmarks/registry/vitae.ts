import { join } from 'node:path';
import type { IdentityServer } from '@vitae/local';
import type { Testbed } from '../ledger/testbed.ts';
import { startRegistry } from './programs.ts';
import type { RegistryUnderTest } from './registry-under-test.ts';
import { seedVitae } from './seed-vitae.ts';
import { PROJECT, type SeedModel } from './world.ts';

export interface Place {
  readonly testbed: Testbed;
  readonly natsUrl: string;
  readonly identity: IdentityServer;
  readonly progress: (line: string) => void;
}

/** A registry of ours on a new database with these models. MLflow's requests reach the project at the root. */
export async function startVitae({ testbed, natsUrl, identity, progress }: Place, models: readonly SeedModel[]): Promise<RegistryUnderTest & { readonly databaseUrl: string }> {
  const databaseUrl = await testbed.database('vitae');
  const database = new URL(databaseUrl).pathname.slice(1);
  const settings = { ...identity.environmentOf('registry'), DATABASE_URL: databaseUrl, NATS_URL: natsUrl, VITAE_DATA_DIR: join(testbed.directory, database), VITAE_MLFLOW_PROJECT: PROJECT, NODE_ENV: 'production' };
  await (await startRegistry(settings)).stop(); // makes the schemas
  await seedVitae(databaseUrl, models, (done) => {
    if (done % 20_000 === 0) progress(`Vitae: ${done} versions written`);
  });
  const { url, pid, stop } = await startRegistry(settings);
  return { name: 'Vitae', url, pid, as: identity.as('emil'), database, databaseUrl, stop };
}
