import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { parseVerifierKey, tilesOf, verifyLog } from '@vitae/transparency';
import { openSnapshot, type Snapshot } from '../fsck/snapshot.ts';
import { prepareLedger, signer } from '../spec-ledger.fixture.ts';
import { databaseLog } from './database-log.ts';

let database: FreshDatabase;
let snapshot: Snapshot;

beforeAll(async () => {
  database = await freshDatabase({ name: 'vitae_fsck', prepare: prepareLedger });
  snapshot = await openSnapshot(database.url);
});
afterAll(async () => {
  await snapshot.close();
  await database.drop();
});

describe('the log of a database', () => {
  it('is the log that was signed, with its partial tiles and bundles', async () => {
    const report = await verifyLog(databaseLog(snapshot), { keys: [parseVerifierKey(signer.verifierKey)] });
    expect(report).toMatchObject({ problems: [], size: 600, events: 600, tiles: tilesOf(600).length });
  });
});
