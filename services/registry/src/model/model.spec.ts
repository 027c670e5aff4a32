import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { ModelRegisteredSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { model, type RegisterModel } from './model.ts';

const given = specification(model);
const said = {
  modelId: '01890000-0000-7000-8000-000000000001',
  name: 'credit-risk',
  description: 'Probability that a loan goes bad',
  task: 'binary-classification',
  useCaseId: '01890000-0000-7000-8000-000000000002',
};
const command: RegisterModel = { type: 'RegisterModel', ...said };
const registered = create(ModelRegisteredSchema, said);

describe('A model', () => {
  it('is registered for its use case', () => given([]).when(command).then([registered]));
  it('stays as it is when it is registered again', () => given([registered]).when(command).then([]));
});
