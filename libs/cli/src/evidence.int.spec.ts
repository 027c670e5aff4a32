import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatCheckpoint, leafHash, logEntry, newSigner, openZip, packEvidence, signNote, zipOf } from '@vitae/transparency';
import { takeEvidence } from './evidence.ts';

// The commands from outside; what a pack may hold and how it is made are the matter of libs/transparency and the ledger.

const signer = newSigner('vitae.test/ledger/evidence');
const event = { id: '0199aaaa-0000-7000-8000-000000000001', stream: 'governance.UseCase-1', revision: 1, type: 'vitae.governance.v1.UseCaseSubmitted', projectId: 'credit', subjects: ['use-case:1'], payload: '{"useCaseId":"1"}', metadata: '{"actor":{"id":"dana"}}', recordedAt: '2026-11-21T11:00:00.000000Z' };
const root = leafHash(logEntry(event));
const pack = packEvidence(
  {
    about: {
      evidenceId: '0199cccc-0000-7000-8000-000000000001', origin: signer.name, projectId: 'credit', about: { subjects: ['use-case:1'], streams: [] }, asOf: { index: 0 }, checkpoint: { size: 1, root: root.toString('base64') },
      made: { at: '2026-11-21T12:00:00Z', by: 'human/ada', for: 'the supervisor', reason: 'a spec' }, streams: [{ stream: event.stream, revisions: 1 }], leftOut: [{ what: 'events of others', count: 2 }],
    },
    checkpoint: signNote(formatCheckpoint({ origin: signer.name, size: 1, root }), [signer]),
    keys: [signer.verifierKey],
    events: [{ index: 0, entry: logEntry(event).toString(), stored: { payload: event.payload, metadata: event.metadata, subjects: 'use-case:1' } }],
    proofs: [{ index: 0, proof: [] }],
    readable: [],
    report: '<!doctype html>',
    readme: 'Verify it.',
  },
  signer,
);

let directory: string;
let server: Server;
let seen: { readonly path: string; readonly body: unknown; readonly reason: string | undefined }[];
/** What the ledger answers. */
let sent: { readonly bytes: Buffer; readonly digest: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-evidence-'));
  seen = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ path: request.url ?? '', body: JSON.parse(Buffer.concat(chunks).toString()), reason: request.headers['vitae-reason'] as string | undefined });
      response.writeHead(201, { 'content-length': sent.bytes.length, 'repr-digest': sent.digest, location: '/v1/recorded' }).end(sent.bytes);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

const at = (path: string): string => join(directory, path);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function verify(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string; sockets: unknown }> {
  const socketsFile = at('sockets.json');
  const ran = await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const node = ['--conditions=@vitae/source', '--import', here('./record-sockets.fixture.mjs'), here('./main.ts'), 'verify'];
    execFile(process.execPath, [...node, ...args], { env: { PATH: process.env['PATH'], SOCKETS_FILE: socketsFile }, cwd: directory }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
  return { ...ran, sockets: JSON.parse(await readFile(socketsFile, 'utf8')) };
}

describe('vitae verify <evidence>', () => {
  it('says what the pack shows, what it does not, and opens no socket', async () => {
    await writeFile(at('one.vitae-evidence.zip'), pack);
    const { code, stdout, stderr, sockets } = await verify('one.vitae-evidence.zip', '--key', signer.verifierKey);
    expect([code, stderr, sockets]).toEqual([0, '', []]);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'Evidence about use-case:1 in project credit, as of index 0:',
      '  1 event of 1 stream as signed; each stream from its first event on, without a hole.',
      '  Left out, by its own word: 2 events of others.',
      `Signed over 1 event of ${signer.name} by ${signer.verifierKey}; root ${root.toString('base64')}.`,
      'Made 2026-11-21T12:00:00Z by human/ada for the supervisor: a spec',
      'report.html is for reading: signed by who made the pack, not proven by the log. That no whole stream was left out only the log can show.',
    ]);
  });

  it('names the first wrong event, and ends with 1', async () => {
    const files = new Map(openZip(pack).files);
    files.set('events.tsv', Buffer.from(String(files.get('events.tsv')).replace('"useCaseId":"1"', '"useCaseId":"2"')));
    await writeFile(at('forged.vitae-evidence.zip'), zipOf(files));
    const { code, stdout, sockets } = await verify('forged.vitae-evidence.zip', '--key', signer.verifierKey);
    expect([code, sockets]).toEqual([1, []]);
    expect(stdout).toMatch(/^First problem: index 0 \(event 0199aaaa-0000-7000-8000-000000000001\): the payload does not hash/);
    expect(stdout).toContain('This pack is not evidence of what it says.');
  });

  it('ends with 1 for another key, a cut file, and any other zip; with 2 without a key', async () => {
    await writeFile(at('cut.zip'), pack.subarray(0, -40));
    await writeFile(at('other.zip'), zipOf(new Map([['a.txt', Buffer.from('a')]])));
    expect((await verify('one.vitae-evidence.zip', '--key', newSigner(signer.name).verifierKey)).code).toBe(1);
    for (const file of ['cut.zip', 'other.zip']) expect((await verify(file, '--key', signer.verifierKey)).code).toBe(1);
    expect((await verify('one.vitae-evidence.zip')).code).toBe(2);
  });
});

describe('vitae evidence', () => {
  const options = () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, token: 'of-ada', json: true, project: 'credit', subject: ['use-case:1'], out: at('taken.zip') });
  const digestOf = async (bytes: Buffer): Promise<string> => `sha-256=:${Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('base64')}:`;

  it('writes what the ledger sent', async () => {
    sent = { bytes: pack, digest: await digestOf(pack) };
    const outcome = await takeEvidence({ ...options(), asOf: '12', for: 'the supervisor', reason: 'review' });
    expect(outcome).toMatchObject({ ok: true, json: { bytes: pack.length, recorded: '/v1/recorded' } });
    expect(await readFile(at('taken.zip'))).toEqual(pack);
    expect(seen.at(-1)).toEqual({ path: '/api/ledger/v1/projects/credit/evidence', body: { subjects: ['use-case:1'], streams: [], asOf: 12, recipient: 'the supervisor' }, reason: 'review' });
  });

  it('writes nothing when something else arrives, or nothing was asked for', async () => {
    sent = { bytes: Buffer.from('half'), digest: await digestOf(pack) };
    await expect(takeEvidence({ ...options(), out: at('never.zip') })).rejects.toThrow('what arrived is not what was sent');
    await expect(takeEvidence({ ...options(), subject: [], out: at('never.zip') })).rejects.toThrow('name what the evidence is about');
    await expect(readFile(at('never.zip'))).rejects.toThrow('ENOENT');
  });
});
