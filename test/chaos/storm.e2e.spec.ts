import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { seedOfToday } from './random.ts';
import { storm } from './storm.ts';

const MINUTES = 60_000;

describe('the ledger', () => {
  it('keeps its promises while its writers, services, consumers and servers are killed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'vitae-chaos-'));
    const said: string[] = [];
    const options = { directory, seed: seedOfToday(), writers: 12, restMs: 1_500, durable: false };
    const report = await storm({ ...options, another: (done) => done < 12, say: (line) => void said.push(line) }).catch((cause: unknown) => {
      throw new Error(`${said.join('\n')}\nJournals and logs are in ${directory}.`, { cause });
    });
    if (report.broken.length > 0) throw new Error([...said, ...report.broken.slice(0, 20), `Journals and logs are in ${directory}.`].join('\n'));
    expect(report).toMatchObject({ deeds: 12, broken: [] });
    expect(report.acknowledged).toBeGreaterThan(100);
    await rm(directory, { recursive: true, force: true });
  }, 15 * MINUTES);
});
