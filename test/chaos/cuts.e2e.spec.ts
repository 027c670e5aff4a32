import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { cuts, type CutAt } from './cuts.ts';
import { dice, seedOfToday } from './random.ts';

const MINUTES = 60_000;

/** One cut that needs a start of the service, and a dozen that do not; others each day. */
function sample(all: readonly CutAt[]): readonly CutAt[] {
  const mixed = dice(seedOfToday()).shuffled(all);
  const of = (server: CutAt['server'], atStart: boolean, count: number): readonly CutAt[] => mixed.filter((cut) => cut.server === server && cut.atStart === atStart).slice(0, count);
  return [...of('PostgreSQL', false, 7), ...of('NATS', false, 4), ...of('PostgreSQL', true, 1)];
}

describe('a connection that breaks at a statement or a call', () => {
  it('costs nothing: everything comes to rest, complete, and fsck is clean', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vitae-cuts-'));
    const said: string[] = [];
    const { broken, made } = await cuts({ directory, durable: false, choose: sample, say: (line) => void said.push(line) }).catch((cause: unknown) => {
      throw new Error(`${said.join('\n')}\nLogs are in ${directory}.`, { cause });
    });
    if (broken.length > 0) throw new Error([...said, ...broken.slice(0, 20), `Logs are in ${directory}.`].join('\n'));
    expect(made.length).toBeGreaterThan(5);
    await rm(directory, { recursive: true, force: true });
  }, 15 * MINUTES);
});
