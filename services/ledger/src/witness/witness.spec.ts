import { describe, expect, it } from '@jest/globals';
import { addCheckpointRequest, appendLeaves, consistencyProof, emptyFrontier, EMPTY_ROOT, formatCheckpoint, leafHash, newSigner, parseVerifierKey, rootOf, signNote, type Checkpoint } from '@vitae/transparency';
import { judge } from './witness.ts';

const origin = 'vitae.example/ledger/1';
const log = newSigner(origin);
const logs = [parseVerifierKey(log.verifierKey)];
const leaves = (story: string) => Array.from({ length: 20 }, (_, i) => leafHash(Buffer.from(i < 5 ? `entry ${i}` : `${story} ${i}`)));
const at = (size: number, story = 'entry'): Checkpoint => ({ origin, size, root: rootOf(appendLeaves(emptyFrontier, leaves(story).slice(0, size))) });
const noted = (checkpoint: Checkpoint, by = log): string => signNote(formatCheckpoint(checkpoint), [by]);
/** A log that tells this story shows its first `to` entries to who knows `from` of them. */
const request = async (from: number, to: number, story = 'entry', note = noted(at(to, story))): Promise<string> => {
  const proof = await consistencyProof(from, to, async ({ width }) => Buffer.concat(leaves(story).slice(0, width)));
  return addCheckpointRequest({ old: from, proof, checkpoint: note });
};
const verdict = (body: string, latest?: Checkpoint) => judge(logs, () => latest, body);

describe('a witness', () => {
  it('accepts the first checkpoint that it sees, whatever its size', async () => expect(verdict(await request(0, 7))).toEqual({ status: 200, checkpoint: at(7), note: noted(at(7)) }));
  it('accepts a tree that grew out of the last', async () => expect(verdict(await request(7, 12), at(7))).toMatchObject({ status: 200, checkpoint: at(12) }));
  it('accepts the same tree again', async () => expect(verdict(await request(7, 7), at(7))).toMatchObject({ status: 200, checkpoint: at(7) }));

  it('refuses a second history of the same length', async () => expect(verdict(await request(7, 7, 'forged'), at(7))).toEqual({ status: 409, size: 7 }));
  it('refuses a second history that went on', async () => expect(verdict(await request(7, 12, 'forged'), at(7))).toMatchObject({ status: 422 }));
  it('refuses a proof that proves something else', async () => {
    const body = (await request(7, 12)).replace(noted(at(12)), noted(at(13)));
    expect(verdict(body, at(7))).toMatchObject({ status: 422 });
  });
  it('refuses a smaller tree, and says how large the last was', async () => expect(verdict(await request(5, 7), at(12))).toEqual({ status: 409, size: 12 }));
  it('says its size to who believes another, also at first', async () => {
    expect(verdict(await request(0, 12), at(7))).toEqual({ status: 409, size: 7 });
    expect(verdict(await request(7, 12))).toEqual({ status: 409, size: 0 });
  });
  it('refuses an old size beyond the checkpoint', () => expect(verdict(addCheckpointRequest({ old: 8, proof: [], checkpoint: noted(at(7)) }), at(8))).toMatchObject({ status: 400 }));
  it('refuses a proof where nothing is to be proven', () => expect(verdict(addCheckpointRequest({ old: 0, proof: [EMPTY_ROOT], checkpoint: noted(at(7)) }))).toMatchObject({ status: 422 }));
  it('refuses an empty log with a root', () => expect(verdict(addCheckpointRequest({ old: 0, proof: [], checkpoint: noted({ origin, size: 0, root: at(7).root }) }))).toMatchObject({ status: 422 }));

  it('does not know other logs', async () => {
    const other = newSigner('vitae.example/other');
    const note = signNote(formatCheckpoint({ ...at(7), origin: other.name }), [other]);
    expect(verdict(await request(0, 7, 'entry', note))).toMatchObject({ status: 404 });
  });
  it('refuses what another key of that name signed', async () => expect(verdict(await request(0, 7, 'entry', noted(at(7), newSigner(origin))))).toMatchObject({ status: 403 }));
  it('refuses a signature that was moved to another checkpoint', async () => {
    const [, signature] = noted(at(7)).split('\n\n');
    expect(verdict(await request(0, 8, 'entry', `${formatCheckpoint(at(8))}\n${signature}`))).toMatchObject({ status: 403 });
  });
  it.each(['', 'old 1', 'old -1\n\n', 'old 01\n\nx\n1\nx\n\nx\n'])('cannot read %j', (body) => expect(verdict(body)).toMatchObject({ status: 400 }));
});
