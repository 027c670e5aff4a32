import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { addCheckpointRequest, appendLeaves, consistencyProof, emptyFrontier, formatCheckpoint, leafHash, newSigner, parseVerifierKey, rootOf, signNote, verifyCosignature } from '@vitae/transparency';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

// The program itself, as somebody else would run it: killed, started again, and lied to.
const log = newSigner('vitae.example/ledger/1');
const leaves = (story: string) => Array.from({ length: 20 }, (_, i) => leafHash(Buffer.from(i < 5 ? `entry ${i}` : `${story} ${i}`)));
const checkpoint = (size: number, story: string): string => signNote(formatCheckpoint({ origin: log.name, size, root: rootOf(appendLeaves(emptyFrontier, leaves(story).slice(0, size))) }), [log]);

let directory: string;
let running: ChildProcess | undefined;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-witness-'));
});
afterEach(() => kill());
afterAll(() => rm(directory, { recursive: true, force: true }));

const file = (name: string): string => join(directory, name);

async function start(...args: string[]): Promise<{ readonly url: string; readonly verifierKey: string }> {
  const main = new URL('./main.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=@vitae/source', '--disable-warning=ExperimentalWarning', main, '--listen', '127.0.0.1:0', '--key-file', file('witness.key'), '--state', file('witness.json'), '--name', 'witness.example/w1', '--log', log.verifierKey, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running = child;
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  for await (const line of createInterface(child.stdout)) {
    const [, verifierKey = '', url = ''] = /^(.+?)@(http.+)$/.exec(line) ?? [];
    return { verifierKey, url };
  }
  throw new Error(said);
}

async function kill(): Promise<void> {
  const child = running;
  running = undefined;
  if (!child || child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function ask(url: string, from: number, to: number, story = 'entry') {
  const proof = await consistencyProof(from, to, async ({ width }) => Buffer.concat(leaves(story).slice(0, width)));
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: addCheckpointRequest({ old: from, proof, checkpoint: checkpoint(to, story) }) });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

describe('the witness', () => {
  it('cosigns what it saw grow, and remembers it when it is killed', async () => {
    const first = await start();
    const answer = await ask(first.url, 0, 8);
    expect(answer.status).toBe(200);
    expect(verifyCosignature(checkpoint(8, 'entry') + answer.text, parseVerifierKey(first.verifierKey))).toBeGreaterThan(1_700_000_000);
    await kill();
    const again = await start();
    expect(again.verifierKey).toBe(first.verifierKey);
    expect(await ask(again.url, 0, 12)).toEqual({ status: 409, type: 'text/x.tlog.size', text: '8\n' });
    expect(await ask(again.url, 8, 12)).toMatchObject({ status: 200 });
  });

  it('refuses a rollback and a split view', async () => {
    const { url } = await start();
    expect(await ask(url, 5, 9)).toEqual({ status: 409, type: 'text/x.tlog.size', text: '12\n' });
    expect(await ask(url, 12, 12, 'forged')).toMatchObject({ status: 409 });
    expect(await ask(url, 12, 15, 'forged')).toMatchObject({ status: 422 });
    expect(await ask(url, 12, 15)).toMatchObject({ status: 200 });
  });

  it('lets one of two contradicting requests at the same moment win', async () => {
    const { url } = await start();
    const answers = await Promise.all([ask(url, 15, 17), ask(url, 15, 17, 'entry'), ask(url, 15, 18)]);
    expect(answers.filter(({ status }) => status === 200).length).toBe(1);
  });

  it('keeps its key from others', async () => expect((await stat(file('witness.key'))).mode & 0o777).toBe(0o600));

  it('does not start with a key whose memory is gone', async () => {
    await rename(file('witness.json'), file('elsewhere.json'));
    await expect(start()).rejects.toThrow(/cosigned before, and .*witness\.json is gone/);
    await rename(file('elsewhere.json'), file('witness.json'));
  });

  it('answers nothing else', async () => {
    const { url } = await start();
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${url}/add-checkpoint`)).status).toBe(405);
    expect((await fetch(`${url}/add-checkpoint`, { method: 'POST', body: 'x'.repeat(70_000) })).status).toBe(413);
    expect((await fetch(`${url}/add-checkpoint`, { method: 'POST', body: 'x' })).status).toBe(400);
  });
});
