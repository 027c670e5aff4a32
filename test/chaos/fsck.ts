import { checkLedger, newFaultList, openSnapshot } from '@vitae/cli';
import { openCheckpoint, parseVerifierKey } from '@vitae/transparency';

/** Checks the database as `vitae fsck` does. Answers a sentence for each fault. `known`: a signed note that was kept elsewhere. */
export async function fsck(databaseUrl: string, verifierKeys: string, known?: string): Promise<readonly string[]> {
  const keys = verifierKeys.split('\n').filter((line) => line !== '').map(parseVerifierKey);
  const faults = newFaultList(20);
  const snapshot = await openSnapshot(databaseUrl);
  try {
    await checkLedger(
      snapshot,
      { trust: { keys, origin: undefined }, known: (trustAt) => (known === undefined ? [] : [keptCheckpoint(known, trustAt)]), exported: undefined },
      faults.report,
      () => undefined,
    );
    return faults.kept.map(({ kind, message }) => `${kind}: ${message}`);
  } finally {
    await snapshot.close();
  }
}

function keptCheckpoint(note: string, trustAt: (size: number) => Parameters<typeof openCheckpoint>[1]) {
  const { size, root } = openCheckpoint(note, trustAt(Number(note.split('\n')[1])));
  return { name: 'the checkpoint kept elsewhere', size, root };
}
