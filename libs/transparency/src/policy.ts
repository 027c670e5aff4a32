import { openCheckpoint, type OpenedCheckpoint } from './checkpoint.ts';
import { cosignatureTime } from './cosignature.ts';
import { NoteInvalid } from './note.ts';
import { parseVerifierKey, type KeyType, type VerifierKey } from './verifier-key.ts';

/** The policy does not say what it must. */
export class PolicyInvalid extends Error {
  override readonly name = 'PolicyInvalid';
}

/** Whom one believes (C2SP tlog-policy): a checkpoint counts when one of the logs signed it and the quorum of witnesses cosigned it. */
export interface Policy {
  readonly logs: readonly VerifierKey[];
  /** By the name they have in the policy. */
  readonly witnesses: ReadonlyMap<string, VerifierKey>;
  readonly groups: ReadonlyMap<string, { readonly threshold: number; readonly members: readonly string[] }>;
  /** The name of a witness or a group, or `none`. */
  readonly quorum: string;
}

/** A checkpoint that the policy believes, and which witnesses saw it when (seconds since 1970), by their name in the policy. */
export interface TrustedCheckpoint extends OpenedCheckpoint {
  readonly witnessedAt: ReadonlyMap<string, number>;
}

const NONE = 'none';
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** @throws PolicyInvalid with the number of the wrong line. */
export function parsePolicy(text: string): Policy {
  if (CONTROL.test(text)) throw new PolicyInvalid('the policy holds a control character other than tab and newline');
  if (!text.endsWith('\n')) throw new PolicyInvalid('the last line of the policy is not ended by a newline');
  const logs: VerifierKey[] = [];
  const witnesses = new Map<string, VerifierKey>();
  const groups = new Map<string, { threshold: number; members: string[] }>();
  const grouped = new Set<string>();
  let quorum: string | undefined;
  const isDefined = (name: string): boolean => witnesses.has(name) || groups.has(name);

  const define = (name: string): void => {
    if (name === NONE || isDefined(name)) throw new PolicyInvalid(`the name ${name} is taken`);
  };
  const rules: Readonly<Record<string, (items: readonly string[]) => void>> = {
    log([vkey, , ...more]) {
      mustEnd(more);
      logs.push(newKey(vkey, 1, logs));
    },
    witness([name, vkey, , ...more]) {
      mustEnd(more);
      const key = newKey(vkey, 4, [...witnesses.values()]);
      define(present(name));
      witnesses.set(present(name), key);
    },
    group([name, threshold, ...members]) {
      define(present(name));
      for (const member of members) {
        if (!isDefined(member)) throw new PolicyInvalid(`${member} is not defined above`);
        if (grouped.has(member)) throw new PolicyInvalid(`${member} is a member already; each witness counts in one way only`);
        grouped.add(member);
      }
      groups.set(present(name), { threshold: thresholdOf(present(threshold), members.length), members: [...members] });
    },
    quorum([name, ...more]) {
      mustEnd(more);
      if (quorum !== undefined) throw new PolicyInvalid('there is a second quorum');
      if (name !== NONE && !isDefined(present(name))) throw new PolicyInvalid(`${name} is not defined above`);
      quorum = present(name);
    },
  };
  for (const [at, line] of text.slice(0, -1).split('\n').entries()) {
    const [keyword = '', ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === '' || keyword.startsWith('#')) continue;
    const rule = Object.hasOwn(rules, keyword) ? rules[keyword] : undefined;
    try {
      if (!rule) throw new PolicyInvalid(`${keyword} is not one of ${Object.keys(rules).join(', ')}`);
      rule(items);
    } catch (error) {
      throw new PolicyInvalid(`line ${at + 1} of the policy: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  if (quorum === undefined) throw new PolicyInvalid('the policy has no quorum; "quorum none" asks for no witness');
  return { logs, witnesses, groups, quorum };
}

/**
 * The checkpoint in a note, when the policy believes it.
 *
 * @throws NoteInvalid when no log of the policy signed it, a signature of a log or witness of the policy does not verify, or too
 * few witnesses cosigned it.
 */
export function checkPolicy(policy: Policy, note: string): TrustedCheckpoint {
  const opened = openCheckpoint(note, { keys: [...policy.logs, ...policy.witnesses.values()] });
  const witnessedAt = new Map<string, number>();
  for (const [name, witness] of policy.witnesses) {
    const times = opened.note.verified.filter(({ key }) => key === witness).map(({ signature }) => cosignatureTime(signature));
    if (times.length > 0) witnessedAt.set(name, Math.max(...times));
  }
  if (!isMet(policy, policy.quorum, witnessedAt)) {
    const seen = [...witnessedAt.keys()].join(', ') || 'none';
    throw new NoteInvalid(`the checkpoint of ${opened.origin} at ${opened.size} lacks the quorum ${policy.quorum}: cosigned by ${seen}`);
  }
  return { ...opened, witnessedAt };
}

function isMet(policy: Policy, name: string, seen: ReadonlyMap<string, number>): boolean {
  const group = policy.groups.get(name);
  if (group) return group.members.filter((member) => isMet(policy, member, seen)).length >= group.threshold;
  return name === NONE || seen.has(name);
}

function newKey(vkey: string | undefined, type: KeyType, others: readonly VerifierKey[]): VerifierKey {
  const key = parseVerifierKey(present(vkey));
  if (key.type !== type) throw new PolicyInvalid(`the key of ${key.name} is of type ${key.type}; here it must be ${type}`);
  if (others.some((other) => other.publicKey.equals(key.publicKey))) throw new PolicyInvalid(`the key of ${key.name} is there already`);
  return key;
}

function thresholdOf(text: string, members: number): number {
  if (members === 0) throw new PolicyInvalid('a group needs a member');
  if (text === 'all') return members;
  if (text === 'any') return 1;
  const threshold = /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
  if (!(threshold <= members)) throw new PolicyInvalid(`${text} is not any, all or a number from 1 to ${members}`);
  return threshold;
}

function present(item: string | undefined): string {
  if (item === undefined) throw new PolicyInvalid('it ends too early');
  return item;
}

function mustEnd(more: readonly string[]): void {
  if (more.length > 0) throw new PolicyInvalid(`${more[0]} is too much`);
}
