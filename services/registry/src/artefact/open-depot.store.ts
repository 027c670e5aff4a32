import { resolve } from 'node:path';
import type { Readiness } from '@vitae/service-kit';
import type { RegistryConfig } from '../config.ts';
import { incomingOf } from './artefact.store.ts';
import type { Depot } from './depot.ts';
import { FileDepot } from './file-depot.store.ts';

/** The depot that the configuration asks for. */
export async function openDepot({ VITAE_ARTEFACTS, VITAE_S3_ENDPOINT, VITAE_DATA_DIR }: RegistryConfig, readiness: Readiness): Promise<Depot> {
  const root = resolve(VITAE_DATA_DIR);
  if (VITAE_ARTEFACTS === undefined) return new FileDepot(root, incomingOf(root));
  const { placeOf, S3Depot, s3Client } = await import('./s3-depot.store.ts'); // a client that most installations never need
  const depot = new S3Depot(s3Client(VITAE_S3_ENDPOINT), placeOf(VITAE_ARTEFACTS));
  readiness.register('object store', () => depot.reachable());
  return depot;
}
