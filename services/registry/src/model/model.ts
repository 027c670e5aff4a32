import { create } from '@bufbuild/protobuf';
import { ModelRegisteredSchema, type ModelRegistered } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';

export interface RegisterModel {
  readonly type: 'RegisterModel';
  readonly modelId: string;
  readonly name: string;
  readonly description: string;
  /** e.g. binary-classification. */
  readonly task: string;
  readonly useCaseId: string;
}

export type ModelRefusal = 'MODEL_NAME_TAKEN' | 'MODEL_NOT_FOUND';

const refuse = (reason: ModelRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

type State = 'none' | 'registered';

/**
 * A model: a name under which versions are kept, for one use case. Its versions have streams of their own.
 *
 *   none ── RegisterModel ──► registered
 */
export const model: Decider<State, RegisterModel, ModelRegistered> = {
  category: 'registry.Model',
  initial: 'none',
  decide({ type: _, ...said }, state) {
    return state === 'registered' ? [] : [create(ModelRegisteredSchema, said)];
  },
  evolve: () => 'registered',
};

export const modelNameTaken = (name: string): Refused =>
  refuse('MODEL_NAME_TAKEN', 409, `This project has a model named ${name} already. Register a version of that one, or choose another name.`);

export const modelNotFound = (id: string): Refused =>
  refuse('MODEL_NOT_FOUND', 404, `There is no model ${id} in this project. GET …/models lists those that are.`);
