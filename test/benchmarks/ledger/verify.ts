import { join } from 'node:path';
import { parseVerifierKey, verifyLog } from '@vitae/transparency';
import type { Bench } from './bench.ts';
import { alternate, repeated } from './rounds.ts';
import { logIn, sampleLog, writeLog } from './sample-log.ts';

const EVENTS = 100_000;

/** How fast a whole export is verified: every event, entry, tile, the root and its signature, read from files. */
export async function verify({ testbed, rounds, report }: Bench): Promise<void> {
  const log = sampleLog(EVENTS);
  const directory = join(testbed.directory, 'export');
  await writeLog(log, directory);
  const keys = [parseVerifierKey(log.signer.verifierKey)];
  const whole = repeated('verifyLog', EVENTS, async () => {
    const found = await verifyLog(logIn(directory), { keys });
    if (found.problemCount > 0 || found.events !== EVENTS) throw new Error(`the export does not verify: ${found.firstProblem?.what ?? `${found.events} events`}`);
  });
  const [figures] = await alternate([whole], rounds);
  report.figures(`verification of an export of ${EVENTS.toLocaleString('en-US')} events (times are of the whole)`, [figures!]);
  // All threads of this process together, so that reading files beside the hashing is no gain.
  report.verdict({ goal: 'verification of a whole export, events a second of one core', measured: 1e6 / figures!.clientMicros, atLeast: 100_000 });
}
