import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { RolloutAdvancedSchema, RolloutCompletedSchema, RolloutRolledBackSchema, RolloutStartedSchema, StepEvidenceSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { rollout, type Evidence, type RolloutCommand, type RolloutVariant } from './rollout.ts';

const id = (n: number): string => `01990000-0000-7000-8000-0000000000${String(n).padStart(2, '0')}`;
const [rolloutId, endpointId, modelId] = [id(1), id(2), id(3)];
const stable: RolloutVariant = { variantId: id(11), modelVersionId: id(21), version: 1, state: 'ready', weight: 100 };
const candidate: RolloutVariant = { variantId: id(12), modelVersionId: id(22), version: 2, state: 'ready', weight: 0 };
const evidence: Evidence = { judgementId: id(40), candidateRows: 60n, candidateErrors: 12n, stableRows: 540n, stableErrors: 150n, logEValue: -0.4 };
const counted = create(StepEvidenceSchema, evidence);

const start = (over: object = {}): RolloutCommand => ({
  type: 'StartRollout',
  rolloutId,
  endpointId,
  modelId,
  variants: [stable, candidate],
  candidateVariantId: candidate.variantId,
  gone: undefined,
  steps: [10, 50, 100],
  minimumRows: 60,
  alpha: 0.01,
  ...over,
});
const judge = (step: number, verdict: 'pass' | 'fail' = 'pass'): RolloutCommand => ({ type: 'JudgeStep', step, verdict, reason: 'it errs more often', evidence });

const started = create(RolloutStartedSchema, {
  rolloutId,
  endpointId,
  modelId,
  stableVariantId: stable.variantId,
  stableModelVersionId: stable.modelVersionId,
  candidateVariantId: candidate.variantId,
  candidateModelVersionId: candidate.modelVersionId,
  steps: [10, 50, 100],
  minimumRows: 60n,
  alpha: 0.01,
});
const advanced = (step: number, weight: number) => create(RolloutAdvancedSchema, { rolloutId, endpointId, step, weight, ...(step > 0 ? { evidence: counted } : {}) });
const completed = create(RolloutCompletedSchema, { rolloutId, endpointId, modelVersionId: id(22), evidence: counted });
const rolledBack = create(RolloutRolledBackSchema, { rolloutId, endpointId, modelVersionId: id(22), reason: 'it errs more often', evidence: counted });
const given = specification(rollout);
const running = [started, advanced(0, 10)];

describe('a rollout', () => {
  it('starts at its first step', () => given([]).when(start()).then(running));
  it('starts once', () => given(running).when(start()).then([]));
  it('goes to the next step on a pass', () => given(running).when(judge(0)).then([advanced(1, 50)]));
  it('is completed by a pass at the last step', () => given([...running, advanced(1, 50), advanced(2, 100)]).when(judge(2)).then([completed]));
  it('is rolled back by a fail, with monitoring’s reason and evidence', () => given(running).when(judge(0, 'fail')).then([rolledBack]));

  it('does not listen to verdicts on another step', () => {
    const second = [...running, advanced(1, 50)];
    given(second).when(judge(0)).then([]);
    given(second).when(judge(0, 'fail')).then([]);
    given(second).when(judge(2)).then([]);
  });
  it('does not listen to verdicts after its end', () => {
    given([...running, rolledBack]).when(judge(0)).then([]);
    given([...running, advanced(1, 50), advanced(2, 100), completed]).when(judge(2, 'fail')).then([]);
  });
  it('must be there to be judged', () => given([]).when(judge(0)).thenRefused('ROLLOUT_NOT_FOUND'));
});

describe('rolling back by hand', () => {
  const byHand: RolloutCommand = { type: 'RollBack', reason: 'customers complain' };
  it('takes a reason', () => {
    given(running).when(byHand).then([create(RolloutRolledBackSchema, { rolloutId, endpointId, modelVersionId: id(22), reason: 'customers complain' })]);
    given(running).when({ type: 'RollBack', reason: '' }).thenRefused('REASON_MISSING');
  });
  it('is harmless when it is done', () => given([...running, rolledBack]).when(byHand).then([]));
  it('comes too late when it is completed', () => given([...running, advanced(1, 50), advanced(2, 100), completed]).when(byHand).thenRefused('ROLLOUT_ENDED'));
});

describe('starting a rollout', () => {
  it.each([[[]], [[100, 100]], [[50, 10, 100]], [[10, 50]]])('takes no steps %j', (steps) => given([]).when(start({ steps })).thenRefused('STEPS_INVALID'));
  it('takes the whole in one step', () => given([]).when(start({ steps: [100] })).then([create(RolloutStartedSchema, { ...started, steps: [100] }), advanced(0, 100)]));
  it('needs a candidate at the endpoint', () => given([]).when(start({ candidateVariantId: id(19) })).thenRefused('VARIANT_NOT_FOUND'));
  it('does not start with a version that the registry has deleted or purged', () => {
    given([]).when(start({ gone: { is: 'deleted', version: 2 } })).thenRefused('MODEL_VERSION_DELETED');
    given([]).when(start({ gone: { is: 'purged', version: 2 } })).thenRefused('MODEL_VERSION_PURGED');
  });
  it('needs a candidate that is ready', () => given([]).when(start({ variants: [stable, { ...candidate, state: 'deploying' }] })).thenRefused('CANDIDATE_NOT_READY'));
  it('needs a candidate without traffic', () => given([]).when(start({ candidateVariantId: stable.variantId })).thenRefused('CANDIDATE_SERVES'));
  it('needs a variant to compare with', () => {
    given([]).when(start({ variants: [candidate] })).thenRefused('NO_STABLE_VARIANT');
    given([]).when(start({ variants: [{ ...stable, weight: 90 }, { ...stable, variantId: id(13), weight: 10 }, candidate] })).thenRefused('NO_STABLE_VARIANT');
  });
});
