import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { assembleGateInput, positionsOf, subjectHashOf, type GateFacts } from './assemble-gate-input.ts';
import example from './gate-input.example.json' with { type: 'json' };
import { gateInput } from './gate-input.ts';

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const id = (n: number) => `01990000-0000-7000-8000-00000000000${n}`;
const from = (stream: string, revision = 1) => ({ stream, revision });
const asked = { at: '2026-11-20T09:00:00Z', actor: { id: 'rita', kind: 'human' }, asker: 'rita' };
const approval = (role: string, approver: string, day: string, until: string) => ({
  role,
  approver,
  approverKind: 'human',
  onBehalfOf: '',
  decision: 'approved',
  givenAt: new Date(`${day}T09:00:00Z`),
  expiresAt: new Date(`${until}T09:00:00Z`),
});

const base: GateFacts = {
  gate: 'promote-production',
  environment: { name: 'prod-eu', class: 'production', region: 'eu' },
  version: {
    ...from('registry.ModelVersion-2'),
    id: id(2),
    modelId: id(1),
    modelName: 'credit-risk',
    version: 1,
    digest: `sha256:${'a'.repeat(64)}`,
    useCaseId: id(3),
    datasetVersionId: id(4),
    datasetDigest: `sha256:${'b'.repeat(64)}`,
    contributors: ['dana', 'emil'],
  },
  useCase: {
    ...from('governance.UseCase-3', 3),
    id: id(3),
    state: 'approved',
    purpose: 'credit-scoring',
    riskTier: 'high',
    aiActClass: 'high-risk',
    requiredMetrics: [
      { name: 'auc', direction: 'at-least', threshold: 0.7 },
      { name: 'equal_opportunity_difference:sex', direction: 'at-most', threshold: 0.15 },
    ],
    draftedAt: new Date('2026-11-01T09:00:00Z'),
  },
  evaluations: [
    {
      ...from('registry.ModelVersion-2', 2),
      id: id(5),
      digest: `sha256:${'a'.repeat(64)}`,
      datasetVersionId: id(4),
      split: 'test',
      rowCount: 277,
      metrics: [
        { name: 'auc', value: 0.75 },
        { name: 'equal_opportunity_difference:sex', value: 0.04 },
      ],
      groups: [
        { attribute: 'sex', group: 'female', n: 94 },
        { attribute: 'sex', group: 'male', n: 183 },
      ],
      evaluatedAt: new Date('2026-11-10T09:00:00Z'),
      source: 'measured',
      invalidatedAt: null,
      invalidationCause: null,
    },
  ],
  datasets: [
    {
      ...from('registry.DatasetVersion-4'),
      id: id(4),
      name: 'german-credit',
      digest: `sha256:${'b'.repeat(64)}`,
      pii: 'personal',
      lawfulBasis: 'contract',
      allowedPurposes: ['credit-scoring'],
      residency: 'eu',
      retentionUntil: '2030-12-31',
      protectedColumns: ['sex'],
    },
  ],
  quarantines: [],
  cases: [],
  incidents: [{ ...from('governance.Incident-6', 2), id: id(6), title: 'Drift on credit-eu', severity: 'sev3', state: 'open' }],
  contributions: [],
  questions: [],
  links: [],
  delegations: [],
};
const subjectHash = subjectHashOf(base, sha256);
const facts: GateFacts = {
  ...base,
  cases: [
    {
      ...from('governance.ApprovalCase-10', 3),
      subjectHash,
      requestedBy: 'dana',
      approvals: [approval('business-owner', 'olga', '2026-11-18', '2026-12-18'), approval('model-risk', 'marc', '2026-11-19', '2026-12-19')],
    },
  ],
};

describe('the assembly of the gate input', () => {
  it('gives the documented example', () => {
    const expected = JSON.parse(JSON.stringify(example).replaceAll(example.subjectHash, subjectHash)) as unknown;
    expect(assembleGateInput(facts, asked, sha256)).toEqual(expected);
  });

  it('gives what the schema of the policies takes', () => {
    expect(gateInput.safeParse(assembleGateInput(facts, asked, sha256)).success).toBe(true);
  });

  it('leaves out what is not known, instead of writing null or nothing', () => {
    const { useCase: _useCase, ...known } = facts;
    const input = assembleGateInput({ ...known, datasets: [] }, asked, sha256);
    expect(input.useCase).toEqual({ id: id(3), state: 'unknown' });
    expect(input.data).toEqual({ datasets: [{ id: id(4), pii: 'unknown', allowedPurposes: [] }], quarantined: [] });
    expect(gateInput.safeParse(input).success).toBe(true);
    const empty = facts.datasets.map((dataset) => ({ ...dataset, lawfulBasis: '', residency: '', retentionUntil: 'some day', allowedPurposes: [''] }));
    expect(assembleGateInput({ ...facts, datasets: empty }, asked, sha256).data.datasets).toEqual([
      { id: id(4), name: 'german-credit', digest: `sha256:${'b'.repeat(64)}`, pii: 'personal', allowedPurposes: [] },
    ]);
  });

  it('takes no evidence from what was taken back or what others report, and says that it is there', () => {
    const [one] = facts.evaluations;
    if (!one) throw new Error('the facts have an evaluation');
    const invalidated = { ...one, invalidatedAt: new Date('2026-11-19T09:00:00Z'), invalidationCause: 'leakage' };
    const reported = { ...one, id: id(7), source: 'reported' as const, datasetVersionId: null, metrics: [{ name: 'auc', value: 0.99 }] };
    const takenBack = { ...reported, id: id(8), invalidatedAt: new Date('2026-11-19T09:00:00Z'), invalidationCause: 'other' };
    const input = assembleGateInput({ ...facts, evaluations: [invalidated, reported, takenBack] }, asked, sha256);
    expect(input).toMatchObject({ evaluations: [], protectedColumns: [], groups: [] });
    expect(input.invalidatedEvaluations).toEqual([{ id: id(5), versionDigest: one.digest, cause: 'leakage', at: '2026-11-19T09:00:00.000Z' }]);
    expect(input.reportedEvaluations).toEqual([{ id: id(7), metric: 'auc', value: 0.99, versionDigest: one.digest, rows: 277, at: '2026-11-10T09:00:00.000Z' }]);
    expect(gateInput.safeParse(input).success).toBe(true);
    expect(assembleGateInput({ ...facts, evaluations: [one, invalidated, reported] }, asked, sha256).evaluations).toEqual(assembleGateInput(facts, asked, sha256).evaluations);
  });

  it('names each stream once, as far as it was read', () => {
    expect(positionsOf(facts)).toEqual([
      { stream: 'governance.ApprovalCase-10', revision: 3 },
      { stream: 'governance.Incident-6', revision: 2 },
      { stream: 'governance.UseCase-3', revision: 3 },
      { stream: 'registry.DatasetVersion-4', revision: 1 },
      { stream: 'registry.ModelVersion-2', revision: 2 },
    ]);
  });
});

describe('the people of the input', () => {
  const day = (date: string) => new Date(`${date}T09:00:00Z`);
  const gave = (delegator: string, delegate: string, givenAt: string, until: string) => ({ ...from('governance.Delegation-20', 2), delegator, delegate, givenAt: day(givenAt), until: day(until) });
  const assembled = (more: Partial<GateFacts>, asker = asked) => assembleGateInput({ ...facts, ...more }, asker, sha256);

  it('are those who are named and those who had a part in what it was made of', () => {
    const contributions = [{ ...from('registry.DatasetVersion-9', 1), person: 'ida' }];
    expect(assembled({ contributions }).version.contributors).toEqual(['dana', 'emil', 'ida']);
    expect(positionsOf({ ...facts, contributions })).toContainEqual({ stream: 'registry.DatasetVersion-9', revision: 1 });
  });

  it('are one for each human, also where that was found out after the approvals, with all of their accounts', () => {
    const links = [{ ...from('governance.LinkedAccounts-1', 4), people: ['marc', 'a-marc'] as const }, { ...from('governance.LinkedAccounts-1', 5), people: ['olga', 'emil'] as const }];
    const input = assembled({ links });
    expect(input.approvals.map(({ by }) => by)).toEqual(['emil', 'a-marc']);
    expect(input.version.contributors).toContain('emil');
    expect(input.people).toEqual([{ person: 'a-marc', accounts: ['a-marc', 'marc'] }, { person: 'emil', accounts: ['emil', 'olga'] }]);
    expect(positionsOf({ ...facts, links })).toContainEqual({ stream: 'governance.LinkedAccounts-1', revision: 5 });
    expect(gateInput.safeParse(input).success).toBe(true);
  });

  it('are not told more of than concerns the question', () => {
    const links = [{ ...from('governance.LinkedAccounts-1', 4), people: ['x', 'y'] as const }];
    expect(assembled({ links })).toEqual(assembled({}));
  });

  it('are the asker, who opened the case, and who asked before judging; who judged first spoils that question alone', () => {
    const question = (by: string, date: string, about = subjectHash) => ({ ...from('governance.GateDecision-1'), by, subjectHash: about, askedAt: day(date) });
    const questions = [question('sven', '2026-11-10'), question('olga', '2026-11-19'), question('marc', '2026-11-18'), question('vera', '2026-11-10', 'sha256:old')];
    expect(assembled({ questions }).requesters).toEqual(['rita', 'dana', 'sven', 'marc']);
    expect(assembled({ questions }, { ...asked, actor: { id: 'ci', kind: 'machine' }, asker: 'olga' }).requesters).toContain('olga');
  });

  it('are tied by a delegation of who built or requested it that was in force between the word and now', () => {
    const tied = (...delegations: GateFacts['delegations']) => assembled({ delegations }).approvals.map(({ delegateOf }) => delegateOf);
    expect(tied(gave('emil', 'marc', '2026-11-01', '2026-11-30'))).toEqual([undefined, ['emil']]);
    expect(tied(gave('rita', 'olga', '2026-11-19', '2026-11-30'))).toEqual([['rita'], undefined]);
    expect(tied(gave('emil', 'marc', '2026-11-01', '2026-11-18'))).toEqual([undefined, undefined]);
    expect(tied(gave('emil', 'marc', '2026-11-21', '2026-11-30'))).toEqual([undefined, undefined]);
    expect(tied(gave('marc', 'emil', '2026-11-01', '2026-11-30'), gave('x', 'marc', '2026-11-01', '2026-11-30'))).toEqual([undefined, undefined]);
  });

  it('are told whose word it is, when it is spoken for another one', () => {
    const [one] = facts.cases;
    const [owner] = one?.approvals ?? [];
    if (!one || !owner) throw new Error('the facts have an approval');
    const input = assembled({ cases: [{ ...one, approvals: [{ ...owner, onBehalfOf: 'otto' }] }], delegations: [gave('emil', 'otto', '2026-11-01', '2026-11-30')] });
    expect(input.approvals).toMatchObject([{ by: 'olga', onBehalfOf: 'otto', delegateOf: ['emil'] }]);
  });
});

describe('a quarantine', () => {
  const raw = { ...from('registry.DatasetVersion-7', 4), id: id(7), name: 'raw', version: 3, of: id(4), open: true, times: 1 };

  it('of the data, or of what they were made of, is told while it lasts, with the stream that it was read from', () => {
    const told = assembleGateInput({ ...facts, quarantines: [raw] }, asked, sha256);
    expect(told.data.quarantined).toEqual([{ id: id(7), name: 'raw', version: 3, of: id(4) }]);
    expect(gateInput.safeParse(told).success).toBe(true);
    expect(positionsOf({ ...facts, quarantines: [raw] })).toContainEqual({ stream: 'registry.DatasetVersion-7', revision: 4 });
    expect(assembleGateInput({ ...facts, quarantines: [{ ...raw, open: false }] }, asked, sha256).data.quarantined).toEqual([]);
  });

  it('of the training data ends approvals, and lifting it brings none back', () => {
    expect(subjectHashOf({ ...facts, quarantines: [raw] }, sha256)).not.toBe(subjectHash);
    expect(subjectHashOf({ ...facts, quarantines: [{ ...raw, open: false }] }, sha256)).not.toBe(subjectHash);
    expect(subjectHashOf({ ...facts, quarantines: [{ ...raw, open: false }] }, sha256)).not.toBe(subjectHashOf({ ...facts, quarantines: [{ ...raw, times: 2 }] }, sha256));
  });

  it('of what it was only evaluated on leaves approvals as they are: that is evidence', () => {
    expect(subjectHashOf({ ...facts, quarantines: [{ ...raw, of: id(9) }] }, sha256)).toBe(subjectHash);
  });
});

describe('the subject hash', () => {
  const { version, useCase, environment } = base;
  if (!useCase) throw new Error('the facts have a use case');
  it.each<[string, Partial<GateFacts>]>([
    ['the artefact', { version: { ...version, digest: `sha256:${'d'.repeat(64)}` } }],
    ['the training data', { version: { ...version, datasetDigest: `sha256:${'d'.repeat(64)}` } }],
    ['the version', { version: { ...version, id: id(8) } }],
    ['the gate', { gate: 'promote-staging' }],
    ['the class of the environment', { environment: { ...environment, class: 'staging' } }],
    ['the use case', { useCase: { ...useCase, id: id(8) } }],
    ['a use case that is gone', { useCase: undefined }],
    ['the direction of a metric', { useCase: { ...useCase, requiredMetrics: useCase.requiredMetrics.map((metric) => ({ ...metric, direction: 'at-most' })) } }],
    ['a metric that is not required any more', { useCase: { ...useCase, requiredMetrics: useCase.requiredMetrics.slice(1) } }],
    ['a metric under another name', { useCase: { ...useCase, requiredMetrics: useCase.requiredMetrics.map((metric) => ({ ...metric, name: `${metric.name}2` })) } }],
    ['the region', { environment: { ...environment, region: 'us' } }],
    ['the environment', { environment: { ...environment, name: 'prod-us' } }],
    ['the risk tier', { useCase: { ...useCase, riskTier: 'critical' } }],
    ['the AI Act class', { useCase: { ...useCase, aiActClass: 'limited' } }],
    ['the purpose', { useCase: { ...useCase, purpose: 'marketing' } }],
    ['a threshold', { useCase: { ...useCase, requiredMetrics: [{ name: 'auc', direction: 'at-least', threshold: 0.6 }] } }],
  ])('changes with %s, so that approvals die', (_what, change) => {
    expect(subjectHashOf({ ...base, ...change }, sha256)).not.toBe(subjectHash);
  });

  it('stays when only evidence is added', () => {
    expect(subjectHashOf({ ...facts, evaluations: [], incidents: [] } as GateFacts, sha256)).toBe(subjectHash);
  });
});
