import { join } from 'node:path';
import { incomingOf } from './artefact.store.ts';
import { depotContract } from './depot-contract.fixture.ts';
import { FileDepot } from './file-depot.store.ts';

depotContract('Bytes on the file system', async (dataDir) => ({
  depot: new FileDepot(dataDir, incomingOf(dataDir)),
  fileOf: (tier, key) => join(dataDir, tier, key),
}));
