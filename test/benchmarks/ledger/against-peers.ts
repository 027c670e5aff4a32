import { CONNECTIONS, sideBySide } from './append.ts';
import type { Bench } from './bench.ts';
import { emmett } from './emmett.ts';
import { installMessageDb, messageDb } from './message-db.ts';
import { grouped, groupedPrepared } from './ours.ts';
import { installPeers, peerVersion } from './peers.ts';
import { ratio } from './rounds.ts';

/**
 * Our append and those of the peers, each on a database of its own in the same cluster. "Vitae" takes messages, checks
 * them and writes canonical JSON; "Vitae, prepared" takes texts, as message-db does.
 */
export async function peers(bench: Bench): Promise<void> {
  const { testbed, report } = bench;
  await installPeers(report.say);
  report.say(`emmett-postgresql ${await peerVersion('@event-driven-io/emmett-postgresql')}, message-db ${await peerVersion('@eventide/message-db')}`);
  const ours = await testbed.ledger();
  const categorised = await testbed.database('message_db');
  await installMessageDb(categorised);
  const contenders = [
    await grouped(ours),
    await groupedPrepared(ours),
    await emmett(await testbed.database('emmett'), CONNECTIONS),
    await messageDb(categorised, CONNECTIONS, 1),
    await messageDb(categorised, CONNECTIONS, 64),
  ];
  const results = await sideBySide(bench, contenders, 'append');
  const at = (writers: number, batch: number) => results.find(({ shape }) => shape.writers === writers && shape.batch === batch)!;
  const against = (us: string, peer: string, writers: number, batch: number): number => {
    const { of } = at(writers, batch);
    return ratio(of(us), of(peer));
  };
  report.say();
  for (const us of ['Vitae', 'Vitae, prepared']) {
    report.verdict({ goal: `${us} ÷ emmett, 32 writers, 1 event`, measured: against(us, 'emmett', 32, 1), atLeast: 5 });
    report.verdict({ goal: `${us} ÷ emmett, 32 writers, 10 events`, measured: against(us, 'emmett', 32, 10), atLeast: 2.5 });
    report.verdict({ goal: `${us} ÷ message-db, 32 writers, one category`, measured: against(us, 'message-db, one category', 32, 1), atLeast: 8 });
    report.verdict({ goal: `${us} ÷ message-db, 32 writers, 64 categories`, measured: against(us, 'message-db, 64 categories', 32, 1), atLeast: 2.5 });
    const best = Math.min(...['emmett', 'message-db, one category', 'message-db, 64 categories'].map((peer) => against(us, peer, 1, 1)));
    report.verdict({ goal: `${us} ÷ the best peer, one writer`, measured: best, atLeast: 1 });
  }
}
