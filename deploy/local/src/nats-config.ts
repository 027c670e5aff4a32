// Who may come in at a NATS server of one's own: prints the `accounts { … }` of its configuration, with a login for each
// service and for each subscriber outside. Keys are made where they are missing; may be run again at any time.
//   node deploy/local/dist/nats-config.js --keys <directory> [--subscribers <file>] [--durables nats://…]
// With --durables, once the server runs by it: gives the subscribers their durables there, and takes away whose are gone.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { prepareBroker } from './prepare-broker.ts';

try {
  const { keys, subscribers, durables } = parseArgs({ options: { keys: { type: 'string' }, subscribers: { type: 'string' }, durables: { type: 'string' } } }).values;
  if (keys === undefined) throw new Error('--keys is missing: a directory of <login>.nk (a seed) or <login>.pub (its public key, where the seed is elsewhere), those of subscribers in subscribers/.');
  const broker = await prepareBroker(keys, subscribers);
  if (durables === undefined) {
    process.stdout.write(await readFile(broker.configFile, 'utf8'));
  } else {
    await broker.keepDurables(durables);
    console.log(`${durables} has the durables of ${broker.subscribers.length} subscribers; ${broker.gone.length} were taken away.`);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
