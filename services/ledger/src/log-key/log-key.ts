import { create } from '@bufbuild/protobuf';
import { LogKeyRotatedSchema, type LogKeyRotated } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { KeyInvalid, keysAfterRotation, NoteInvalid, parseVerifierKey } from '@vitae/transparency';

export interface RotateLogKey {
  readonly type: 'RotateLogKey';
  /** The name of the log. */
  readonly origin: string;
  /** The key that signs now. */
  readonly oldVerifierKey: string;
  readonly newVerifierKey: string;
  /** What the old key signed for the new one: rotationStatement. */
  readonly statement: string;
}

export type LogKeyRefusal = 'LOG_KEY_NOT_CURRENT' | 'LOG_KEY_USED_BEFORE' | 'LOG_KEY_STATEMENT_INVALID' | 'LOG_KEY_UNKNOWN' | 'LOG_KEY_NOT_KEPT';

const refuse = (reason: LogKeyRefusal, message: string, status: 409 | 422 = 409): Refused => new Refused(reason, message, status);

/** The keys of the log so far, oldest first; empty while it still signs with the key that it began with. */
interface LogKeys {
  readonly keys: readonly string[];
}

/**
 * The key that the log signs with. The first key has no event: whoever trusts a log got its key by another way.
 * Each further one is introduced by the key before it, in the log itself.
 *
 *   first key ── RotateLogKey ──► second key ── RotateLogKey ──► …      no key ever comes back
 */
export const logKey: Decider<LogKeys, RotateLogKey, LogKeyRotated> = {
  category: 'ledger.LogKey',
  initial: { keys: [] },
  decide({ type: _, origin, ...said }, { keys }) {
    const current = keys.at(-1) ?? said.oldVerifierKey;
    if (said.newVerifierKey === current) return [];
    if (said.oldVerifierKey !== current) throw refuse('LOG_KEY_NOT_CURRENT', `The log signs with ${current}, not with ${said.oldVerifierKey}. Look again (GET /v1/log), and rotate from that key.`);
    if (keys.includes(said.newVerifierKey)) throw refuse('LOG_KEY_USED_BEFORE', `The log signed with ${said.newVerifierKey} before. Take a new key.`);
    mustStand(origin, said);
    return [create(LogKeyRotatedSchema, said)];
  },
  evolve({ keys }, { oldVerifierKey, newVerifierKey }) {
    return { keys: keys.length === 0 ? [oldVerifierKey, newVerifierKey] : [...keys, newVerifierKey] };
  },
};

export const noSuchKey = (verifierKey: string, files: string): Refused =>
  refuse('LOG_KEY_UNKNOWN', `No key file holds the private key of ${verifierKey}. Put it beside the others (${files}), and send the request again.`);
export const keyNotKept = (why: string): Refused =>
  refuse('LOG_KEY_NOT_KEPT', `A new key cannot be kept here: ${why}. Make one elsewhere, put it beside the old one, and name it in newVerifierKey.`);

/** What no verifier would follow must not become an event. */
function mustStand(origin: string, said: Omit<RotateLogKey, 'type' | 'origin'>): void {
  const [next] = attempt(() => keysAfterRotation(origin, [parseVerifierKey(said.oldVerifierKey)], JSON.stringify(said)));
  if (next?.text !== said.newVerifierKey) throw unfounded(`${said.oldVerifierKey} is not a key of ${origin}`);
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof NoteInvalid || error instanceof KeyInvalid ? unfounded(error.message) : error;
  }
}

const unfounded = (why: string): Refused => refuse('LOG_KEY_STATEMENT_INVALID', `Nobody who trusts the old key would follow to the new one: ${why}.`, 422);
