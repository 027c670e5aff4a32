import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import {
  ModelAliasAssignedSchema,
  ModelAliasChangeRefusedSchema,
  ModelAliasProtectedSchema,
  ModelAliasProtectionLiftedSchema,
  ModelAliasRemovedSchema,
  ModelDeletedSchema,
  ModelRegisteredSchema,
  ModelRestoredSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { model, type ModelCommand } from './model.ts';

const given = specification(model);
const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;
const modelId = id(1);
const registered = create(ModelRegisteredSchema, { modelId, name: 'credit-risk', task: 'ranking', useCaseId: id(2) });
const assigned = (version: number, previousVersion = 0, alias = 'champion') => create(ModelAliasAssignedSchema, { modelId, alias, version, modelVersionId: id(version), previousVersion });
const removed = (version: number, alias = 'champion') => create(ModelAliasRemovedSchema, { modelId, alias, version, modelVersionId: id(version) });
const guarded = create(ModelAliasProtectedSchema, { modelId, alias: 'champion', allowed: ['vera', 'dana'] });
const lifted = create(ModelAliasProtectionLiftedSchema, { modelId, alias: 'champion' });

const assign = (version: number, by = 'ben', alias = 'champion'): ModelCommand => ({ type: 'AssignAlias', alias, version, modelVersionId: id(version), contributors: ['dana'], by, accounts: [by] });
const remove = (by = 'ben'): ModelCommand => ({ type: 'RemoveAlias', alias: 'champion', by });
const protect = (by: string, ...allowed: string[]): ModelCommand => ({ type: 'ProtectAlias', alias: 'champion', allowed, by });
const dropFor = (version: number, by = 'ben'): ModelCommand => ({ type: 'RemoveAliasesOf', modelVersionId: id(version), by });

describe('An alias', () => {
  it('names a version, and says which it named before', () => {
    given([registered]).when(assign(3)).then([assigned(3)]);
    given([registered, assigned(3)]).when(assign(4)).then([assigned(4, 3)]);
    given([registered, assigned(3)]).when(assign(3)).then([]);
  });
  it('is removed once, and can be assigned anew', () => {
    given([registered, assigned(3)]).when(remove()).then([removed(3)]);
    given([registered, assigned(3), removed(3)]).when(remove()).then([]);
    given([registered, assigned(3), removed(3)]).when(assign(3)).then([assigned(3)]);
  });
  it('goes with the version that it names, and no other goes', () =>
    given([registered, assigned(3), assigned(4, 0, 'challenger'), assigned(3, 0, 'candidate')]).when(dropFor(3)).then([removed(3), removed(3, 'candidate')]));
  it.each(['latest', 'LATEST', 'v1', 'V27'])('is not called %s, which has a meaning already', (alias) => given([registered]).when(assign(3, 'ben', alias)).thenRefused('ALIAS_RESERVED'));
  it.each(['v', 'v1b', 'latest-1', 'version1'])('may be called %s', (alias) => given([registered]).when(assign(3, 'ben', alias)).then([assigned(3, 0, alias)]));
  it('is kept while its model is deleted', () => {
    const past = [registered, assigned(3), create(ModelDeletedSchema, { modelId, name: 'credit-risk' })];
    given(past).when(assign(4)).thenRefused('MODEL_DELETED');
    given([...past, create(ModelRestoredSchema, { modelId, name: 'credit-risk' })]).when(assign(4)).then([assigned(4, 3)]);
  });
});

describe('A protected alias', () => {
  it('is protected by anybody first, before or after it names a version', () => {
    given([registered]).when(protect('ben', 'vera', 'dana')).then([guarded]);
    given([registered, assigned(3)]).when(protect('ben', 'vera', 'dana')).then([guarded]);
    given([registered, guarded]).when(protect('dana', 'dana', 'vera')).then([]);
  });
  it('is changed only by those whom its protection names', () => {
    given([registered, guarded]).when(assign(3, 'vera')).then([assigned(3)]);
    given([registered, guarded]).when(assign(3, 'ben')).thenRefused('ALIAS_PROTECTED');
    given([registered, guarded, assigned(3)]).when(remove('ben')).thenRefused('ALIAS_PROTECTED');
    given([registered, guarded, assigned(3)]).when(remove('vera')).then([removed(3)]);
    given([registered, guarded, assigned(3), removed(3)]).when(assign(4, 'ben')).thenRefused('ALIAS_PROTECTED');
  });
  it('is not given to a version by somebody who built it', () => given([registered, guarded]).when(assign(3, 'dana')).thenRefused('ALIAS_FOUR_EYES'));
  it('is not given to it by another account of who built it, or by a machine on his behalf', () =>
    given([registered, guarded]).when({ ...assign(3, 'vera'), accounts: ['vera', 'dana'] } as ModelCommand).thenRefused('ALIAS_FOUR_EYES'));
  it('does not lose its protection to others', () => {
    given([registered, guarded]).when(protect('ben', 'ben')).thenRefused('ALIAS_PROTECTED');
    given([registered, guarded]).when({ type: 'LiftAliasProtection', alias: 'champion', by: 'ben' }).thenRefused('ALIAS_PROTECTED');
    given([registered, guarded]).when({ type: 'LiftAliasProtection', alias: 'champion', by: 'vera' }).then([lifted]);
    given([registered, guarded, lifted]).when(assign(3, 'ben')).then([assigned(3)]);
  });
  it('is not removed by deleting its version or its model', () => {
    const past = [registered, guarded, assigned(3)];
    given(past).when(dropFor(3, 'ben')).thenRefused('ALIAS_PROTECTED');
    given(past).when(dropFor(3, 'vera')).then([removed(3)]);
    given(past).when(dropFor(4, 'ben')).then([]);
    given(past).when({ type: 'DeleteModel', serving: [], pinnedBy: [], by: 'ben' }).thenRefused('ALIAS_PROTECTED');
    given(past).when({ type: 'DeleteModel', serving: [], pinnedBy: [], by: 'vera' }).then([create(ModelDeletedSchema, { modelId, name: 'credit-risk' })]);
  });
  it('leaves a trace of who was refused', () =>
    given([registered, guarded])
      .when({ type: 'RecordAliasRefusal', alias: 'champion', version: 3, refusal: 'alias-protected' })
      .then([create(ModelAliasChangeRefusedSchema, { modelId, alias: 'champion', version: 3, refusal: 'alias-protected' })]));
});
