import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newSigner, NoteInvalid, openCheckpoint, parseVerifierKey, privateText, signerFrom, verifyLog } from '@vitae/transparency';
import type { Running } from '@vitae/service-kit';
import { as } from '@vitae/testing';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logBench, overHttp, signed, standing, type LogBench } from '../transparency/log.fixture.ts';

let bench: LogBench;
let replicas: Running[];
beforeAll(async () => {
  bench = await logBench();
  replicas = await Promise.all([bench.start(), bench.start()]);
  await bench.store(10);
  await signed(one(), 10);
});
afterAll(() => bench.drop());

const one = (): Running => replicas[0] as Running;
const rotate = async (body: object = {}, headers: Record<string, string> = { authorization: as('human/dana') }) => {
  const response = await fetch(`${one().url}/v1/log/keys`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};
const keys = async () => (await standing(one())).keys;
const keyFiles = async () => (await readdir(join(bench.directory, 'ledger'))).sort();
/** Which of the log's keys, by age, signed the checkpoint that is served. */
const signers = async (): Promise<number[]> => {
  const note = await overHttp(one()).checkpoint();
  return (await keys()).flatMap((key, age) => {
    try {
      openCheckpoint(note, { keys: [parseVerifierKey(key)] });
      return [age];
    } catch (error) {
      if (error instanceof NoteInvalid) return [];
      throw error;
    }
  });
};

describe('the key of the log', () => {
  it('is rotated by whoever says who he is', async () => {
    expect(await rotate({}, {})).toMatchObject({ status: 401 });
    expect(await keyFiles()).toHaveLength(1);
  });

  it('is followed by a new one: the first checkpoint that covers the event is signed by both, the next by the new one', async () => {
    const [old] = await keys();
    const answer = await rotate();
    expect(answer).toMatchObject({ status: 201, body: { oldVerifierKey: old, revision: 1 } });
    await signed(one(), 11);
    expect(await keys()).toEqual([old, answer.body['newVerifierKey']]);
    expect(await signers()).toEqual([0, 1]);
    await bench.store(5);
    await signed(one(), 16);
    expect(await signers()).toEqual([1]);
  });

  it('leads whoever trusts the old key to the new one, by the log alone', async () => {
    const [old] = await keys();
    const report = await verifyLog(overHttp(one()), { keys: [parseVerifierKey(old as string)] });
    expect(report).toMatchObject({ size: 16, events: 16, problemCount: 0 });
    const stranger = parseVerifierKey(newSigner((await standing(one())).origin).verifierKey);
    expect((await verifyLog(overHttp(one()), { keys: [stranger] })).problemCount).toBeGreaterThan(0);
  });

  it('may be one that was made elsewhere, once its file is there', async () => {
    const { origin } = await standing(one());
    const next = newSigner(origin);
    expect(await rotate({ newVerifierKey: next.verifierKey })).toMatchObject({ status: 409, body: { reason: 'log-key-unknown' } });
    const [first] = await keyFiles();
    await writeFile(join(bench.directory, 'ledger', `${first}.from-the-vault`), `${privateText(next)}\n`);
    expect(await rotate({ newVerifierKey: next.verifierKey })).toMatchObject({ status: 201, body: { newVerifierKey: next.verifierKey, revision: 2 } });
    expect(await rotate({ newVerifierKey: next.verifierKey })).toMatchObject({ status: 200, body: { revision: 2 } });
    await signed(one(), 17);
    expect(await signers()).toEqual([1, 2]);
  });

  it('is rotated once for one idempotency key, and leaves no file of a key that never signs', async () => {
    const before = await keyFiles();
    const headers = { authorization: as('human/dana'), 'Idempotency-Key': 'once' };
    const answers = [await rotate({}, headers), await rotate({}, headers)];
    expect(answers[1]?.body['newVerifierKey']).toBe(answers[0]?.body['newVerifierKey']);
    expect(await keyFiles()).toHaveLength(before.length + 1);
    await signed(one(), 18);
  });

  it('is rotated by one of several who try at the same moment, or by one after the other, and never torn', async () => {
    const before = await keyFiles();
    const { size = 0 } = await standing(one());
    const answers = await Promise.all([rotate(), rotate(), rotate()]);
    const won = answers.filter(({ status }) => status === 201).length;
    expect(won).toBeGreaterThan(0);
    expect(answers.filter(({ status, body }) => status === 409 && body['reason'] === 'log-key-not-current')).toHaveLength(3 - won);
    expect(await keyFiles()).toHaveLength(before.length + won);
    await signed(one(), size + won);
    await bench.store(1);
    await signed(one(), size + won + 1);
    expect(await signers()).toEqual([(await keys()).length - 1]);
  });

  it.each([{ newVerifierKey: 'nonsense' }, { newVerifierKey: newSigner('vitae.example/w', 4).verifierKey }, { key: 'x' }])('cannot read %j', async (body) => {
    expect(await rotate(body)).toMatchObject({ status: 400 });
  });

  it('is all that has to be kept, under the name of the first; the log of many keys is still verified with the first', async () => {
    const all = await keys();
    await Promise.all(replicas.map((replica) => replica.stop()));
    const [oldest = '', ...others] = (await keyFiles()).map((name) => join(bench.directory, 'ledger', name));
    const holding = await Promise.all(others.map(async (path) => signerFrom((await readFile(path, 'utf8')).trim()).verifierKey === all.at(-1)));
    await rename(others[holding.indexOf(true)] as string, oldest);
    await Promise.all(others.filter((_, i) => !holding[i]).map((path) => rm(path)));
    expect(await keyFiles()).toHaveLength(1);
    replicas = [await bench.start()];
    const { size = 0 } = await standing(one());
    await bench.store(300);
    await signed(one(), size + 300);
    expect(await signers()).toEqual([all.length - 1]);
    const [first] = await keys();
    expect(await verifyLog(overHttp(one()), { keys: [parseVerifierKey(first as string)] })).toMatchObject({ size: size + 300, problemCount: 0 });
  });
});
