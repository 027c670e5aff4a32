import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  addCheckpointRequest,
  consistencyProof,
  cosign,
  formatTlogProof,
  inclusionProof,
  logFiles,
  newSigner,
  tilePath,
  type ReadTile,
  type StoredEvent,
} from '@vitae/transparency';

/** Proofs for both ends of the log and about so many entries between. */
const PROOFS = 40;

/** A log of this size in a directory: its files, keys, and proofs of ours about it. */
export async function writeLog(directory: string, size: number): Promise<void> {
  const signer = newSigner(`interop.vitae.test/log-of-${size}`);
  const witness = newSigner('interop.vitae.test/witness', 4);
  const files = logFiles(Array.from({ length: size }, (_, i) => storedEvent(i)), [signer]);
  const signed = files.get('checkpoint')?.toString() ?? '';
  const checkpoint = signed + cosign(signed, witness, 1_700_000_000 + size);
  files.set('checkpoint', Buffer.from(checkpoint));
  files.set('log.vkey', Buffer.from(`${signer.verifierKey}\n`));
  files.set('witness.vkey', Buffer.from(`${witness.verifierKey}\n`));

  const read: ReadTile = async (tile) => files.get(tilePath(tile)) ?? Buffer.alloc(0);
  for (const index of spread(size)) {
    const proof = await inclusionProof(index, size, read);
    files.set(`proofs/${index}.tlog-proof`, Buffer.from(formatTlogProof({ index, proof, checkpoint })));
    const old = index + 1;
    files.set(`consistency/${old}`, Buffer.from(addCheckpointRequest({ old, proof: await consistencyProof(old, size, read), checkpoint })));
  }
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
  }
}

function spread(size: number): readonly number[] {
  const step = Math.max(1, Math.floor(size / PROOFS));
  return [...new Set([...Array.from({ length: Math.ceil(size / step) }, (_, i) => i * step), size - 1])];
}

function storedEvent(i: number): StoredEvent {
  const id = `0199aaaa-0000-7000-8000-${String(i).padStart(12, '0')}`;
  return {
    id,
    stream: `registry.Model-${id}`,
    revision: 1,
    type: 'vitae.registry.v1.ModelRegistered',
    projectId: 'interop',
    subjects: [`model:${id}`],
    payload: `{"modelId":"${id}","name":"Modèle ${i}"}`,
    metadata: '{"actor":{"id":"dana","kind":"ACTOR_KIND_HUMAN"},"correlationId":"c-1","occurredAt":"2026-11-21T10:59:59Z"}',
    recordedAt: '2026-11-21T11:00:00.123456Z',
  };
}
