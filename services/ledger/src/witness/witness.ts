import { EMPTY_ROOT, NoteInvalid, openCheckpoint, parseAddCheckpointRequest, ProofInvalid, verifyConsistency, type Checkpoint, type VerifierKey } from '@vitae/transparency';

/** What a witness answers to add-checkpoint (C2SP tlog-witness), before it has signed anything. */
export type Verdict =
  /** To be stored, then cosigned. */
  | { readonly status: 200; readonly checkpoint: Checkpoint; readonly note: string }
  /** The size it holds, for the client to start from. */
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly why: string };

/**
 * Whether a log's new checkpoint may be cosigned: known log, its signature, and grown out of the last one cosigned. A witness
 * that follows this never cosigns two histories of one log, nor a smaller tree after a larger one.
 *
 * @param logs keys of the logs that it witnesses; a log may have several.
 * @param latestOf the last checkpoint that it cosigned for an origin.
 */
export function judge(logs: readonly VerifierKey[], latestOf: (origin: string) => Checkpoint | undefined, body: string): Verdict {
  const request = attempt(() => parseAddCheckpointRequest(body));
  if (request instanceof Error) return { status: 400, why: request.message };
  const { old, proof, checkpoint: note } = request;
  const origin = note.slice(0, note.indexOf('\n'));

  const keys = logs.filter(({ name }) => name === origin);
  if (keys.length === 0) return { status: 404, why: `${origin} is not witnessed here` };
  const next = attempt(() => openCheckpoint(note, { origin, keys }));
  if (next instanceof Error) return { status: 403, why: next.message };

  if (old > next.size) return { status: 400, why: `the old size ${old} is larger than the checkpoint's ${next.size}` };
  const latest = latestOf(origin) ?? { origin, size: 0, root: EMPTY_ROOT };
  if (old !== latest.size) return { status: 409, size: latest.size };
  if (next.size === latest.size && !next.root.equals(latest.root)) return next.size === 0 ? { status: 422, why: 'an empty log has another root' } : { status: 409, size: latest.size };
  const unproven = attempt(() => verifyConsistency({ from: old, to: next.size, fromRoot: latest.root, toRoot: next.root, proof }));
  if (unproven instanceof Error) return { status: 422, why: unproven.message };
  return { status: 200, checkpoint: { origin, size: next.size, root: next.root }, note };
}

function attempt<T>(work: () => T): T | NoteInvalid | ProofInvalid {
  try {
    return work();
  } catch (error) {
    if (error instanceof NoteInvalid || error instanceof ProofInvalid) return error;
    throw error;
  }
}
