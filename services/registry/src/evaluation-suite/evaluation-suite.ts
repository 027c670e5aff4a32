import { create } from '@bufbuild/protobuf';
import {
  EvaluationSuiteDraftedSchema,
  EvaluationSuitePublishedSchema,
  EvaluationSuiteRevisedSchema,
  type EvaluationSuiteDrafted,
  type EvaluationSuitePublished,
  type EvaluationSuiteRevised,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { sameSuite, suiteContentFrom, suiteMessage, type SuiteContent } from './suite-content.ts';
import { suiteFaults, type SuiteData } from './suite-faults.ts';

export type EvaluationSuiteCommand =
  | { readonly type: 'DraftEvaluationSuite'; readonly suiteId: string; readonly name: string; readonly content: SuiteContent }
  | { readonly type: 'ReviseEvaluationSuite'; readonly content: SuiteContent }
  /** With what is known of the data that the draft names, by their ids. */
  | { readonly type: 'PublishEvaluationSuite'; readonly data: ReadonlyMap<string, SuiteData> };

export type EvaluationSuiteEvent = EvaluationSuiteDrafted | EvaluationSuiteRevised | EvaluationSuitePublished;
export type EvaluationSuiteRefusal =
  | 'EVALUATION_SUITE_KIND'
  | 'EVALUATION_SUITE_NAME_TAKEN'
  | 'EVALUATION_SUITE_NOT_FOUND'
  | 'EVALUATION_SUITE_NOT_PUBLISHED'
  | 'EVALUATION_SUITE_UNFIT'
  | 'SUITE_DATASET_UNCLEAR';

export type SuiteStage = 'draft' | 'published';
export type EvaluationSuiteState = { readonly is: 'none' } | { readonly is: SuiteStage; readonly suiteId: string; readonly name: string; readonly number: number; readonly content: SuiteContent };

/**
 * How versions are evaluated, revision after revision.
 *
 *   none ── Draft ──► draft 1 ── Publish ──► published 1 ── Revise ──► draft 2 ── Publish ──► published 2 …
 *                      └ Revise ┘                                       └ Revise ┘
 *
 * A published revision never changes and can be run for ever; a draft keeps its number until it is published.
 */
export const evaluationSuite: Decider<EvaluationSuiteState, EvaluationSuiteCommand, EvaluationSuiteEvent> = {
  category: 'registry.EvaluationSuite',
  initial: { is: 'none' },

  decide(command, state): readonly EvaluationSuiteEvent[] {
    if (command.type === 'DraftEvaluationSuite') {
      const { suiteId, name, content } = command;
      return state.is === 'none' ? [create(EvaluationSuiteDraftedSchema, { suiteId, name, number: 1, content: suiteMessage(content) })] : [];
    }
    if (state.is === 'none') throw evaluationSuiteNotFound();
    const { suiteId, name, number, content } = state;
    switch (command.type) {
      case 'ReviseEvaluationSuite':
        if (sameSuite(command.content, content)) return [];
        return [create(EvaluationSuiteRevisedSchema, { suiteId, name, number: state.is === 'published' ? number + 1 : number, content: suiteMessage(command.content) })];
      case 'PublishEvaluationSuite': {
        if (state.is === 'published') return [];
        const faults = suiteFaults(content, command.data);
        if (faults.length > 0) throw refuse('EVALUATION_SUITE_UNFIT', `The suite ${name} cannot be published: ${faults.join('; ')}. Revise it: PUT …/evaluation-suites/${suiteId}.`, 422);
        return [create(EvaluationSuitePublishedSchema, { suiteId, name, number, content: suiteMessage(content) })];
      }
    }
  },

  evolve(_, event): EvaluationSuiteState {
    const { suiteId, name, number, content } = event;
    return { is: event.$typeName === 'vitae.registry.v1.EvaluationSuitePublished' ? 'published' : 'draft', suiteId, name, number, content: suiteContentFrom(content) };
  },
};

const refuse = (reason: EvaluationSuiteRefusal, message: string, status: RefusalStatus = 409): Refused => new Refused(reason, message, status);

export const evaluationSuiteNotFound = (what = 'such evaluation suite'): Refused =>
  refuse('EVALUATION_SUITE_NOT_FOUND', `There is no ${what} in this project. GET …/evaluation-suites lists them.`, 404);

export const evaluationSuiteNameTaken = (name: string): Refused =>
  refuse('EVALUATION_SUITE_NAME_TAKEN', `There is an evaluation suite named ${name} already. Revise that one, or choose another name.`);

export const evaluationSuiteNotPublished = (name: string, number?: number): Refused =>
  refuse('EVALUATION_SUITE_NOT_PUBLISHED', number === undefined ? `No revision of the suite ${name} was published yet. Publish it: POST …/publication.` : `Revision ${number} of the suite ${name} is not published.`);

export const suiteIsRunElsewhere = (name: string): Refused =>
  refuse('EVALUATION_SUITE_KIND', `${name} is a suite for language models, whose answers are judged elsewhere. Report what came out: POST …/model-versions/<id>/reported-evaluations.`, 422);

export const suiteDatasetUnclear = (name: string, have: readonly string[]): Refused =>
  refuse('SUITE_DATASET_UNCLEAR', `The suite ${name} is run on ${have.join(', ')}. Say which one in datasetVersionId (and split, where it has several of one dataset version).`, 422);
