import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { cosign, logFiles, newSigner, parseLogEntry, parseVerifierKey, withCosignatures, type StoredEvent } from '@vitae/transparency';
import { Pool } from 'pg';
import { prepareLedger, signer, storedEvents } from './spec-ledger.fixture.ts';

// The command as a process of its own, from its source: exit codes, what it prints, and which sockets it opens.

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Kinds of sockets and look-ups that the process made. */
  readonly sockets: readonly string[];
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
let runs = 0;

async function vitae(...args: readonly string[]): Promise<Ran> {
  const socketsFile = at(`sockets-${(runs += 1)}`);
  const ran = await new Promise<Omit<Ran, 'sockets'>>((resolve) => {
    const env = { PATH: process.env['PATH'], SOCKETS_FILE: socketsFile };
    const node = ['--conditions=@vitae/source', '--import', here('./record-sockets.fixture.mjs'), here('./main.ts')];
    execFile(process.execPath, [...node, ...args], { env, cwd: directory }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
  return { ...ran, sockets: JSON.parse(await readFile(socketsFile, 'utf8')) as string[] };
}
const jsonOf = ({ stdout }: Ran): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

let directory: string;
let database: FreshDatabase;
let events: StoredEvent[];
let server: Server;
let address: string;
const at = (path: string): string => join(directory, path);

async function exportTo(path: string, of: readonly StoredEvent[]): Promise<void> {
  for (const [file, bytes] of [...logFiles(of, [signer]), ['log.vkey', `${signer.verifierKey}\n`] as const]) {
    await mkdir(dirname(at(join(path, file))), { recursive: true });
    await writeFile(at(join(path, file)), bytes);
  }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-cli-'));
  database = await freshDatabase({ name: 'vitae_fsck', prepare: prepareLedger });
  const pool = new Pool({ connectionString: database.url });
  events = await storedEvents(pool);
  await pool.end();
  await exportTo('export', events);
  await writeFile(at('key'), `${signer.verifierKey}\n`);
  await copyFile(at('export/checkpoint'), at('known'));
  server = createServer((request, response) => {
    readFile(join(at('export'), request.url ?? '')).then((bytes) => response.end(bytes), () => response.writeHead(404).end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

describe('vitae verify', () => {
  it('confirms an untouched export, and opens no socket', async () => {
    const ran = await vitae('verify', 'export', '--key', 'key', '--known', 'known');
    expect(ran).toMatchObject({ code: 0, stderr: '', sockets: [] });
    expect(ran.stdout).toContain('Everything is as signed: 600 events and 4 tiles of vitae.local/ledger/spec');
    expect(ran.stdout).toContain(`Signed by ${signer.verifierKey}.`);
    expect(ran.stdout).toContain('It begins with the 600 events of the known checkpoint.');
  });

  it('says the same as one JSON object', async () => {
    const ran = await vitae('verify', 'export', '--key', signer.verifierKey, '--json');
    expect(jsonOf(ran)).toMatchObject({ ok: true, size: 600, events: 600, trusted: true, keys: [signer.verifierKey], known: null, firstProblem: null, problemCount: 0 });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
  });

  it('reads a log from a server, which is where the recorder sees sockets', async () => {
    const ran = await vitae('verify', address, '--key', 'key');
    expect(ran.code).toBe(0);
    expect(ran.sockets).toContain('TCPWRAP');
  });

  it('names the first wrong event', async () => {
    await cp(at('export'), at('edited'), { recursive: true });
    const lines = await readFile(at('edited/events/001'), 'utf8');
    await writeFile(at('edited/events/001'), lines.replace('dana', 'eve'));
    const ran = await vitae('verify', 'edited', '--key', 'key');
    expect(ran).toMatchObject({ code: 1, stderr: '', sockets: [] });
    expect(ran.stdout).toContain(`First problem: index 256 (event ${events[256]?.id}): `);
    expect(jsonOf(await vitae('verify', 'edited', '--key', 'key', '--json'))).toMatchObject({ ok: false, firstProblem: { index: 256, eventId: events[256]?.id } });
  });

  it('finds a cut tail against a checkpoint kept elsewhere', async () => {
    await exportTo('cut', events.slice(0, 500));
    expect((await vitae('verify', 'cut', '--key', 'key')).code).toBe(0);
    const ran = await vitae('verify', 'cut', '--key', 'key', '--known', 'known');
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('the log has 500 events, yet 600 were promised before: its tail was cut');
  });

  it('believes nothing without a key', async () => {
    const ran = await vitae('verify', 'export');
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain("vitae: without the log's key nothing can be trusted");
    expect(jsonOf(await vitae('verify', 'export', '--json'))).toMatchObject({ ok: false, error: expect.stringContaining('--key') });
  });

  it('says that a key from the export is not trusted', async () => {
    const ran = await vitae('verify', 'export', '--key-from-export');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('NOT TRUSTED');
    expect(jsonOf(await vitae('verify', 'export', '--key-from-export', '--json'))).toMatchObject({ ok: true, trusted: false });
  });

  it('does not believe what another key signed', async () => {
    const ran = await vitae('verify', 'export', '--key', newSigner(signer.name).verifierKey);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('is not as it was signed');
  });

  it('asks for the witnesses of a policy', async () => {
    const witness = newSigner('witness.example/w1', 4);
    await writeFile(at('policy'), `log ${signer.verifierKey}\nwitness w1 ${witness.verifierKey}\nquorum w1\n`);
    expect(await vitae('verify', 'export', '--policy', 'policy')).toMatchObject({ code: 1, stdout: expect.stringContaining('lacks the quorum w1') });
    await cp(at('export'), at('witnessed'), { recursive: true });
    const note = await readFile(at('export/checkpoint'), 'utf8');
    await writeFile(at('witnessed/checkpoint'), withCosignatures(note, cosign(note, witness, 1_763_715_600), [parseVerifierKey(witness.verifierKey)]));
    expect((await vitae('verify', 'witnessed', '--policy', 'policy')).code).toBe(0);
  });
});

describe('vitae prove', () => {
  it.each(['export', 'server', 'database'])('makes a proof from the %s that anybody can verify without network', async (place) => {
    const from = { export: 'export', server: address, database: database.url }[place] as string;
    const proved = await vitae('prove', '599', '--from', from, '--key', 'key', '--out', `${place}.tlog-proof`);
    expect(proved).toMatchObject({ code: 0, stderr: '' });
    expect(proved.stdout).toContain(`UseCaseSubmitted, event ${events[599]?.id}`);
    const verified = await vitae('verify', `${place}.tlog-proof`, '--entry', `${place}.entry.json`, '--key', 'key', '--json');
    expect(verified).toMatchObject({ code: 0, sockets: [] });
    expect(jsonOf(verified)).toMatchObject({ ok: true, index: 599, size: 600, entry: { id: events[599]?.id, stream: events[599]?.stream, revision: 50 } });
  });

  it('finds an event by its id, and prints the proof when there is no file for it', async () => {
    for (const from of ['export', database.url]) {
      const ran = await vitae('prove', events[300]?.id ?? '', '--from', from, '--key', 'key', '--json');
      expect(jsonOf(ran)).toMatchObject({ ok: true, index: 300, proof: expect.stringMatching(/^c2sp.org\/tlog-proof@v1\nindex 300\n/) });
    }
  });

  it('gives no proof of another entry', async () => {
    await vitae('prove', '7', '--from', 'export', '--key', 'key', '--out', 'seven.tlog-proof');
    const entry = await readFile(at('seven.entry.json'));
    expect(parseLogEntry(entry).id).toBe(events[7]?.id);
    await writeFile(at('other.entry.json'), entry.toString().replace('dana', 'eve'));
    const ran = await vitae('verify', 'seven.tlog-proof', '--entry', 'other.entry.json', '--key', 'key');
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('does not lead from entry 7 to the root') });
  });

  it('refuses to write a proof from tiles that were changed', async () => {
    await cp(at('export'), at('forged'), { recursive: true });
    const tile = await readFile(at('forged/tile/0/000'));
    tile[0] = (tile[0] ?? 0) ^ 1;
    await writeFile(at('forged/tile/0/000'), tile);
    expect((await vitae('prove', '1', '--from', 'forged', '--key', 'key', '--out', 'forged.tlog-proof')).code).toBe(1);
    await expect(readFile(at('forged.tlog-proof'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says that an event is not there, or not covered yet', async () => {
    expect(await vitae('prove', '600', '--from', 'export', '--key', 'key')).toMatchObject({ code: 2, stderr: expect.stringContaining('covers 600 events') });
    expect(await vitae('prove', '0199aaaa-0000-7000-8000-000000000001', '--from', 'export', '--key', 'key')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no event') });
  });
});

describe('vitae fsck', () => {
  it('says that all is well with 0, what is wrong with 1, and that it cannot tell with 2', async () => {
    expect(jsonOf(await vitae('fsck', database.url, '--key', 'key', '--known', 'known', '--log', 'export', '--json'))).toMatchObject({ ok: true, faults: [], entries: 600 });
    const cut = await vitae('fsck', database.url, '--key', 'key', '--known', 'beyond');
    expect(cut).toMatchObject({ code: 2, stderr: expect.stringContaining('beyond cannot be read (ENOENT)') });
    expect(await vitae('fsck', 'postgres://127.0.0.1:1/nothing', '--key', 'key')).toMatchObject({ code: 2, stderr: expect.stringContaining('the database does not answer') });
    const pool = new Pool({ connectionString: database.url });
    await pool.query('update ledger.head set next_index = 1');
    await pool.end();
    const ran = await vitae('fsck', database.url, '--key', 'key');
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain('head-moved: ledger.head says that index 1 comes next, but the entries end with index 599');
    expect(ran.stdout).toMatch(/\n1 fault found\.\n$/);
  });
});

describe('vitae', () => {
  it.each([
    [[], 2], [['--help'], 0], [['verify', '--help'], 0], [['nothing'], 2], [['verify'], 2], [['verify', 'export', '--nothing'], 2], [['prove', '1'], 2], [['verify', 'nowhere', '--key', 'key'], 2],
    [['verify', 'key', '--key', 'key'], 2], [['verify', 'export', '--key', 'nokey'], 2], [['verify', 'http://127.0.0.1:1', '--key', 'key'], 2], [['fsck', 'postgres://x', '--key', 'key', '--most', 'x'], 2],
  ])('%j ends with %i', async (args, code) => {
    expect((await vitae(...args)).code).toBe(code);
  });
});
