import { addCheckpointRequest, withCosignatures, type AddCheckpoint } from '@vitae/transparency';
import type { Witness } from './witness-list.ts';

/** What the witness said: its signature lines, or the size that it knows instead. */
export type WitnessAnswer = { readonly lines: string } | { readonly size: number };

/** The witness refused, in its words. */
export class WitnessRefused extends Error {
  override readonly name = 'WitnessRefused';
}

/** Longest that a witness may take, in milliseconds. */
const PATIENCE_MS = 5_000;
/** Longest answer that is read: 16 signature lines are a tenth of it. */
const LONGEST_ANSWER = 64 * 1024;

/**
 * Asks a witness to cosign. Its lines are checked; lines by others are left out.
 * @throws WitnessRefused; NoteInvalid when its signature does not fit; what fetch throws when it is away.
 */
export async function askWitness({ key, url }: Witness, request: AddCheckpoint, stop: AbortSignal): Promise<WitnessAnswer> {
  const response = await fetch(`${url}/add-checkpoint`, {
    method: 'POST',
    body: addCheckpointRequest(request),
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    redirect: 'error',
    signal: AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]),
  });
  const text = await shortText(response);
  if (response.status === 200) return { lines: withCosignatures(request.checkpoint, text, [key]).slice(request.checkpoint.length) };
  const known = /^(0|[1-9]\d{0,15})\n$/.exec(text)?.[1];
  if (response.status === 409 && response.headers.get('content-type') === 'text/x.tlog.size' && known !== undefined) return { size: Number(known) };
  throw new WitnessRefused(`it answered ${response.status}: ${text.slice(0, 200).trim() || 'nothing'}`);
}

async function shortText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > LONGEST_ANSWER) throw new WitnessRefused(`its answer is longer than ${LONGEST_ANSWER} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
