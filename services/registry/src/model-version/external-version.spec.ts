import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ExternalModelVersionRegisteredSchema, ModelVersionRetiredSchema, ModelVersionTaggedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { derivationOf, type KnownBase, type SaidDerivation } from './derivation.ts';
import { addressOf, isMoving, type ExternalModel } from './external-model.ts';
import { modelVersion } from './model-version.ts';
import type { RegisterExternalModelVersion } from './model-version-command.ts';

const given = specification(modelVersion);
const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;

const model: ExternalModel = {
  provider: 'huggingface',
  providerModelId: 'acme/assistant-7b',
  snapshot: '',
  access: 'weights',
  weights: { location: 'https://huggingface.co/acme/assistant-7b', revision: '0fd2a1b', digest: `sha256:${'a'.repeat(64)}` },
  licence: 'apache-2.0',
  terms: '',
  contextWindow: 32_768,
  inputModalities: ['text'],
  outputModalities: ['text'],
  regions: [],
};
const said: SaidDerivation = { modelVersionId: id(7), relation: 'finetune', method: '', rank: 0, alpha: 0, targetModules: [], bits: 0, weight: 0 };
const base: KnownBase = { modelId: id(8), modelName: 'base', version: 4, deleted: false };
const bases = new Map([[id(7), base], [id(9), { ...base, version: 5 }]]);
const derived = { ...said, modelId: id(8), modelName: 'base', version: 4 };

const register: RegisterExternalModelVersion = {
  ...model,
  type: 'RegisterExternalModelVersion',
  modelVersionId: id(1),
  modelId: id(2),
  modelName: 'assistant',
  useCaseId: id(3),
  version: 1,
  registeredBy: 'ben',
  contributors: ['dana'],
  description: 'The base of all our assistants.',
  derivedFrom: [derived],
  tags: [{ key: 'team', value: 'risk' }],
};
const registered = create(ExternalModelVersionRegisteredSchema, {
  ...model,
  modelVersionId: id(1),
  modelId: id(2),
  modelName: 'assistant',
  useCaseId: id(3),
  version: 1,
  contextWindow: 32_768n,
  inputModalities: ['text'],
  outputModalities: ['text'],
  regions: [],
  contributors: ['dana', 'ben'],
  description: 'The base of all our assistants.',
  derivedFrom: [{ ...derived, targetModules: [] }],
});

describe("Somebody else's model", () => {
  it('is registered with all that is said of it, once', () => {
    given([]).when(register).then([registered, create(ModelVersionTaggedSchema, { modelVersionId: id(1), modelId: id(2), version: 1, key: 'team', value: 'risk' })]);
    given([registered]).when(register).then([]);
  });
  it('has no bytes that could be archived or purged', () => {
    given([registered]).when({ type: 'RetireModelVersion', retirementId: id(5), archiveLocation: '' }).then([create(ModelVersionRetiredSchema, { modelVersionId: id(1), modelId: id(2), version: 1, retirementId: id(5) })]);
    given([registered]).when({ type: 'PurgeModelVersion', modelDeleted: true, serving: [], pinnedBy: [], neededElsewhere: [] }).thenRefused('ARTEFACT_MISSING');
  });
  it('is where its weights are, or else what its provider calls it', () => {
    expect(addressOf(model)).toBe('https://huggingface.co/acme/assistant-7b@0fd2a1b');
    expect(addressOf({ ...model, weights: undefined, snapshot: '2026-05-01' })).toBe('huggingface:acme/assistant-7b@2026-05-01');
  });
  it('is not named by a branch', () => {
    expect(['main', 'refs/heads/x', 'LATEST'].map(isMoving)).toEqual([true, true, true]);
    expect(['0fd2a1b', 'v1.2', 'maintenance'].map(isMoving)).toEqual([false, false, false]);
  });
});

describe('What a version is derived from', () => {
  const refusal = (of: readonly SaidDerivation[], known = bases): string => {
    try {
      derivationOf(of, known);
    } catch (error) {
      return (error as { reason: string }).reason;
    }
    return '';
  };
  it('is said with the name and number of the base', () => {
    expect(derivationOf([], bases)).toEqual([]);
    expect(derivationOf([said], bases)).toEqual([derived]);
  });
  it('has to be there', () => {
    expect(refusal([said], new Map())).toBe('BASE_NOT_FOUND');
    expect(refusal([said], new Map([[id(7), { ...base, deleted: true }]]))).toBe('BASE_DELETED');
  });
  it('is one base, or of a merge two and more', () => {
    const merge: SaidDerivation = { ...said, relation: 'merge', weight: 0.5 };
    expect(derivationOf([merge, { ...merge, modelVersionId: id(9) }], bases).map(({ version }) => version)).toEqual([4, 5]);
    expect(refusal([merge])).toBe('DERIVATION_UNFIT');
    expect(refusal([merge, merge])).toBe('DERIVATION_UNFIT');
    expect(refusal([merge, { ...said, modelVersionId: id(9) }])).toBe('DERIVATION_UNFIT');
    expect(refusal([said, { ...said, modelVersionId: id(9) }])).toBe('DERIVATION_UNFIT');
  });
  it('has the parameters of its relation', () => {
    const adapter: SaidDerivation = { ...said, relation: 'adapter', method: 'qlora', rank: 16, alpha: 32, targetModules: ['q_proj'], bits: 4 };
    expect(derivationOf([adapter], bases)).toHaveLength(1);
    expect(derivationOf([{ ...said, relation: 'quantized', method: 'awq', bits: 4 }], bases)).toHaveLength(1);
    expect(refusal([{ ...adapter, relation: 'finetune' }])).toBe('DERIVATION_UNFIT');
    expect(refusal([{ ...said, weight: 1 }])).toBe('DERIVATION_UNFIT');
  });
});
