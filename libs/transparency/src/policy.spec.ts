import { describe, expect, it } from '@jest/globals';
import { checkPolicy, cosign, formatCheckpoint, newSigner, parsePolicy, PolicyInvalid, signNote, type Signer } from './index.ts';

const log = newSigner('example.com/log');
const [x1, x2, x3, y1, y2, y3] = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name) => newSigner(`${name}.example`, 4)) as [Signer, Signer, Signer, Signer, Signer, Signer];
const witnesses = { X1: x1, X2: x2, X3: x3, Y1: y1, Y2: y2, Y3: y3 };
/** The example of C2SP tlog-policy. */
const POLICY = `# two organisations
log ${log.verifierKey}

witness X1 ${x1.verifierKey}
witness X2 ${x2.verifierKey}   https://x2.example/
witness X3 ${x3.verifierKey}
group X-witnesses 2 X1 X2 X3

witness Y1 ${y1.verifierKey}
\twitness\tY2 ${y2.verifierKey}
witness Y3 ${y3.verifierKey}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;
const note = signNote(formatCheckpoint({ origin: log.name, size: 7, root: Buffer.alloc(32, 7) }), [log]);
const seenBy = (...names: (keyof typeof witnesses)[]): string => note + names.map((name, i) => cosign(note, witnesses[name], 100 + i)).join('');

describe('policies', () => {
  it('given the example of the specification, then it is read', () => {
    const policy = parsePolicy(POLICY);
    expect([...policy.witnesses.keys()]).toEqual(['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3']);
    expect(policy.groups.get('X-witnesses')).toEqual({ threshold: 2, members: ['X1', 'X2', 'X3'] });
    expect(policy.groups.get('X-and-Y')).toEqual({ threshold: 2, members: ['X-witnesses', 'Y-witnesses'] });
    expect([policy.logs.map(({ text }) => text), policy.quorum]).toEqual([[log.verifierKey], 'X-and-Y']);
  });

  it('given two of the one and one of the other, then the quorum is met, and it is known who saw it when', () => {
    const checkpoint = checkPolicy(parsePolicy(POLICY), seenBy('X3', 'Y2', 'X1'));
    expect([checkpoint.size, [...checkpoint.witnessedAt]]).toEqual([7, [['X1', 102], ['X3', 100], ['Y2', 101]]]);
  });

  it.each([[[]], [['X1', 'X2', 'X3']], [['Y1', 'Y2', 'Y3', 'X1']]] as (keyof typeof witnesses)[][][])('given cosignatures of %j only, then the quorum is not met', (names) => {
    expect(() => checkPolicy(parsePolicy(POLICY), seenBy(...names))).toThrow('lacks the quorum X-and-Y');
  });

  it('given one witness twice, then it counts once', () => {
    expect(() => checkPolicy(parsePolicy(POLICY), seenBy('X1', 'X1', 'Y1'))).toThrow('lacks the quorum');
  });

  it('given the quorum none, then the log is enough; given no signature of the log, then nothing is', () => {
    const policy = parsePolicy(`log ${log.verifierKey}\nquorum none\n`);
    expect(checkPolicy(policy, note).origin).toBe('example.com/log');
    expect(() => checkPolicy(policy, signNote('example.com/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n', [newSigner(log.name)]))).toThrow('none of the 1 signatures');
    expect(() => checkPolicy(parsePolicy(`witness X1 ${x1.verifierKey}\nquorum X1\n`), seenBy('X1'))).toThrow('not signed by a trusted key');
  });

  it('given a cosignature of a witness in the policy that does not verify, then the checkpoint is refused', () => {
    const other = signNote(formatCheckpoint({ origin: log.name, size: 8, root: Buffer.alloc(32, 7) }), [log]);
    expect(() => checkPolicy(parsePolicy(POLICY), seenBy('X1', 'X2', 'Y1') + cosign(other, x3, 1))).toThrow('does not fit');
  });

  it.each([
    ['no quorum', `log ${log.verifierKey}\n`, 'has no quorum'],
    ['two of them', 'quorum none\nquorum none\n', 'line 2 of the policy: there is a second quorum'],
    ['a quorum of nobody', 'quorum X1\n', 'X1 is not defined above'],
    ['a name twice', `witness A ${x1.verifierKey}\nwitness A ${x2.verifierKey}\nquorum A\n`, 'line 2 of the policy: the name A is taken'],
    ['a witness called none', `witness none ${x1.verifierKey}\nquorum none\n`, 'the name none is taken'],
    ['a key twice', `witness A ${x1.verifierKey}\nwitness B ${x1.verifierKey}\nquorum A\n`, 'is there already'],
    ['a log key for a witness', `witness A ${log.verifierKey}\nquorum A\n`, 'is of type 1; here it must be 4'],
    ['a witness key for a log', `log ${x1.verifierKey}\nquorum none\n`, 'is of type 4; here it must be 1'],
    ['a key that is none', 'log nonsense\nquorum none\n', 'is not a verifier key'],
    ['a group before its members', `group G any A\nwitness A ${x1.verifierKey}\nquorum G\n`, 'A is not defined above'],
    ['a member in two groups', `witness A ${x1.verifierKey}\ngroup G any A\ngroup H any A\nquorum G\n`, 'A is a member already'],
    ['a member twice', `witness A ${x1.verifierKey}\ngroup G 2 A A\nquorum G\n`, 'A is a member already'],
    ['a threshold too high', `witness A ${x1.verifierKey}\ngroup G 2 A\nquorum G\n`, '2 is not any, all or a number from 1 to 1'],
    ['a threshold of 0', `witness A ${x1.verifierKey}\ngroup G 0 A\nquorum G\n`, '0 is not any'],
    ['a group of nobody', 'group G any\nquorum G\n', 'a group needs a member'],
    ['a word too many', `log ${log.verifierKey} url more\nquorum none\n`, 'more is too much'],
    ['a line cut off', 'quorum\n', 'ends too early'],
    ['an unknown word', 'toString x\nquorum none\n', 'toString is not one of log, witness, group, quorum'],
    ['a carriage return', 'quorum none\r\n', 'control character'],
    ['no last newline', 'quorum none', 'not ended by a newline'],
  ])('given a policy with %s, then it is refused, and the line is named', (_, text, why) => {
    expect(() => parsePolicy(text)).toThrow(PolicyInvalid);
    expect(() => parsePolicy(text)).toThrow(why);
  });
});
