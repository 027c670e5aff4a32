import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Running } from '@vitae/service-kit';
import { eventually } from '@vitae/testing';
import { newSigner, privateText } from '@vitae/transparency';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logBench, READER, signed, standing, unready, type LogBench } from './log.fixture.ts';

// Who owns the server can change anything. What matters is that the log notices before it signs, says what it found, and
// signs nothing afterwards.
let bench: LogBench;
beforeEach(async () => {
  bench = await logBench();
});
afterEach(() => bench.drop());

/** What a superuser does who has read the migrations: triggers off, change, triggers on. */
const byHand = async (table: string, change: string): Promise<void> => {
  const { rows } = await bench.pool.query<{ tgname: string }>('select tgname from pg_trigger where tgrelid = $1::regclass and not tgisinternal', [table]);
  expect(rows.length).toBeGreaterThan(0);
  await bench.pool.query(`alter table ${table} disable trigger all`);
  await bench.pool.query(change);
  await bench.pool.query(`alter table ${table} enable trigger all`);
};
const newest = async (): Promise<number> => Number((await bench.pool.query<{ size: string }>('select max(size) as size from ledger.checkpoint')).rows[0]?.size ?? 0);
const haltsWith = (service: Running, words: RegExp): Promise<void> => eventually(async () => expect(await unready(service)).toMatch(words));
/** Nothing is signed although there is something new: the service is asked once more after it saw the events come. */
const staysAt = async (service: Running, size: number): Promise<void> => {
  await bench.store(10);
  await eventually(async () => expect((await (await fetch(`${service.url}/v1/projects/credit/head`, READER)).json())).toMatchObject({ unsequenced: 0 }));
  await expect(unready(service)).resolves.toMatch(/halted/);
  expect(await newest()).toBe(size);
};

describe('the log halts, says why and signs nothing more', () => {
  it('when a tile is there already, with other bytes', async () => {
    const service = await bench.start();
    await bench.store(200);
    await signed(service, 200);
    await bench.pool.query("insert into ledger.tile (level, n, hashes) values (0, 0, decode(repeat('ab', 8192), 'hex'))");
    await bench.store(100);
    await haltsWith(service, /tile\/0\/000 is stored with other bytes/);
    await staysAt(service, 200);
  });

  it('when somebody prepared a whole tile that keeps what was signed and forges the rest', async () => {
    const service = await bench.start();
    await bench.store(200);
    await signed(service, 200);
    await service.stop();
    // The true hashes of the first 200 leaves, then 56 forged ones: a log that believed its tiles would sign this.
    const genuine = await bench.start();
    const bytes = Buffer.from(await (await fetch(`${genuine.url}/log/tile/0/000.p/200`)).arrayBuffer());
    await genuine.stop();
    await bench.pool.query('insert into ledger.tile (level, n, hashes) values (0, 0, $1)', [Buffer.concat([bytes, Buffer.alloc(56 * 32, 7)])]);
    await bench.store(100);
    const again = await bench.start();
    await haltsWith(again, /tile\/0\/000 is stored with other bytes/);
    await staysAt(again, 200);
  });

  it('when a tile was rewritten that the newest checkpoint rests on', async () => {
    const service = await bench.start();
    await bench.store(300);
    await signed(service, 300);
    await service.stop();
    await byHand('ledger.tile', "update ledger.tile set hashes = decode(repeat('ab', 8192), 'hex') where level = 0 and n = 0");
    const again = await bench.start();
    await haltsWith(again, /do not give the root that was signed for the first 300 events/);
    await staysAt(again, 300);
  });

  it('when an event under the newest checkpoint was edited', async () => {
    const service = await bench.start();
    await bench.store(20);
    await signed(service, 20);
    await service.stop();
    await byHand('ledger.event', `update ledger.event set payload = '{"useCaseId":"0199aaaa-0000-7000-8000-000000000000"}' where seq = 7`);
    const again = await bench.start();
    await haltsWith(again, /do not give the root/);
    await staysAt(again, 20);
  });

  it('when the tail was cut off', async () => {
    const service = await bench.start();
    await bench.store(20);
    await signed(service, 20);
    await service.stop();
    await byHand('ledger.entry', 'delete from ledger.entry where index >= 15');
    await bench.pool.query('update ledger.head set next_index = 15');
    const again = await bench.start();
    await haltsWith(again, /no event with index 15 any more/);
    expect(await newest()).toBe(20);
  });

  it('when the signed root was rewritten while it ran', async () => {
    const service = await bench.start();
    await bench.store(20);
    await signed(service, 20);
    await byHand('ledger.checkpoint', "update ledger.checkpoint set root = decode(repeat('ab', 32), 'hex')");
    await bench.store(5);
    await haltsWith(service, /does not begin with the log of 20/);
    await staysAt(service, 20);
  });
});

describe('the log goes on', () => {
  it('with the key that signed before, and with no other', async () => {
    const service = await bench.start();
    await bench.store(3);
    const { origin } = await signed(service, 3);
    await service.stop();
    const another = join(bench.directory, 'another.key');
    await writeFile(another, `${privateText(newSigner(origin))}\n`);
    const stranger = await bench.start({ VITAE_LOG_KEY_FILE: another });
    await bench.store(3);
    await haltsWith(stranger, /put the old key back, then rotate/);
    expect(await newest()).toBe(3);
    await stranger.stop();
    await signed(await bench.start(), 6);
  });

  it('when the key file is back, and makes no other key in the meantime', async () => {
    const service = await bench.start();
    await bench.store(3);
    await signed(service, 3);
    await service.stop();
    const [name = ''] = await readdir(join(bench.directory, 'ledger'));
    const [here, away] = [join(bench.directory, 'ledger', name), join(bench.directory, 'away.key')];
    await rename(here, away);
    const without = await bench.start();
    await bench.store(3);
    await haltsWith(without, /its key is not in .* any more. Put the file back/);
    expect((await fetch(`${without.url}/log/checkpoint`)).status).toBe(200);
    expect(await (await fetch(`${without.url}/v1/log`, READER)).json()).toMatchObject({ status: 503, type: 'https://vitae.dev/problems/log-key-missing' });
    await without.stop();
    expect(await readdir(join(bench.directory, 'ledger'))).toEqual([]);
    await rename(away, here);
    await signed(await bench.start(), 6);
  });

  it('after its connections to the database were broken', async () => {
    const service = await bench.start();
    await bench.store(3);
    await signed(service, 3);
    const { rowCount } = await bench.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'vitae-%'");
    expect(rowCount).toBeGreaterThan(0);
    await bench.store(300);
    await signed(service, 303);
    expect((await standing(service)).integrated).toBe(303);
  });
});
