import { formatCheckpoint, inclusionProof, LOG_KEY_ROTATED, leafHash, logEntry, logFiles, logFrom, packEvidence, rotationStatement, signNote, TiledTree, type EvidenceContent, type Signer, type StoredEvent } from './index.ts';
import { ORIGIN, signer, storedEvent } from './small-log.fixture.ts';

const STREAM = 'registry.ModelVersion-0199bbbb-0000-7000-8000-000000000001';
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A log of 20 events, of which these belong to one stream and have artefacts, and one is of another project. */
export const SHOWN = [3, 4, 9, 17];
export const log: readonly StoredEvent[] = Array.from({ length: 20 }, (_, i) => {
  const revision = SHOWN.indexOf(i) + 1;
  if (revision === 0) return storedEvent(i);
  const payload = JSON.stringify({ artefact: { digest: digest('a'), files: [{ digest: digest('b'), path: 'm.onnx', sizeBytes: '12' }] }, note: `enc:v1:k:e:payload.note:${i};`, version: revision });
  return storedEvent(i, { stream: STREAM, revision, payload, projectId: i === 9 ? 'fraud' : 'credit' });
});

/** The pack about that stream as of the last event that is asked for. */
export async function evidenceOf(indices: readonly number[], { of = log, by = signer, change = (content: EvidenceContent): EvidenceContent => content }: { of?: readonly StoredEvent[]; by?: Signer; change?: (content: EvidenceContent) => EvidenceContent } = {}): Promise<Buffer> {
  const source = logFrom(logFiles(of, [by]));
  const chosen = indices.map((index) => ({ index, event: of[index] as StoredEvent }));
  const proofs = await Promise.all(indices.map(async (index) => ({ index, proof: await inclusionProof(index, of.length, async (tile) => (await source.tile(tile)) ?? Buffer.alloc(0)) })));
  const streams = new Map<string, number>();
  for (const { event } of chosen) streams.set(event.stream, event.revision);
  const tree = new TiledTree(() => undefined);
  for (const event of of) tree.append(leafHash(logEntry(event)));
  const last = chosen.filter(({ event }) => event.type !== LOG_KEY_ROTATED).at(-1)?.index ?? 0;
  const content: EvidenceContent = {
    about: {
      evidenceId: '0199cccc-0000-7000-8000-000000000001', origin: ORIGIN, projectId: 'credit', about: { subjects: ['model:m-1'], streams: [] }, asOf: { index: last },
      checkpoint: { size: of.length, root: tree.root().toString('base64') },
      made: { at: '2026-11-21T12:00:00Z', by: 'human/ada', for: '', reason: 'a spec' },
      streams: [...streams].map(([stream, revisions]) => ({ stream, revisions })), leftOut: [],
    },
    checkpoint: signNote(formatCheckpoint({ origin: ORIGIN, size: of.length, root: tree.root() }), [by]),
    keys: [by.verifierKey],
    events: chosen.map(({ index, event }) => ({
      index,
      entry: logEntry(event).toString(),
      ...(event.projectId === 'fraud' ? {} : { stored: { payload: event.payload, metadata: event.metadata, subjects: event.subjects.join(' ') } }),
    })),
    proofs,
    readable: indices.includes(3) ? [{ index: 3, at: '/payload/note', text: 'Wörter' }] : [],
    report: '<!doctype html>\n<title>A report</title>\n',
    readme: 'vitae verify this\n',
  };
  return packEvidence(change(content), by);
}

/** A log whose key was replaced by its event 5, signed by the new key. */
export function rotatedLog(next: Signer): readonly StoredEvent[] {
  const statement = rotationStatement(ORIGIN, signer, next.verifierKey);
  const payload = JSON.stringify({ newVerifierKey: next.verifierKey, oldVerifierKey: signer.verifierKey, statement });
  return log.map((event, i) => (i === 5 ? storedEvent(5, { type: LOG_KEY_ROTATED, stream: 'ledger.LogKey-1', projectId: 'vitae', payload }) : event));
}
