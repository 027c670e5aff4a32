import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import {
  ModelCardApprovedSchema,
  ModelCardDraftedSchema,
  ModelCardPublishedSchema,
  ModelCardReturnedSchema,
  ModelCardRevisedSchema,
  ModelCardSubmittedForReviewSchema,
  ModelCardSupersededSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { bare, content, known } from '../exports/known-version.fixture.ts';
import { bytesOf, EMPTY, sections } from './card-content.ts';
import { draftOf } from './draft.ts';
import { modelCard, type ModelCardCommand } from './model-card.ts';

const given = specification(modelCard);
const version = { modelVersionId: known.modelVersionId, modelId: known.model.modelId, version: 7 };
const card = (cardRevision: number) => ({ ...version, cardRevision });
const said = (summary: string) => ({ ...content, summary });
const written = (summary: string) => ({ ...said(summary), tags: [...content.tags], languages: [...content.languages], baseModels: [...content.baseModels], extra: content.extra.map((each) => ({ ...each })) });

const drafted = create(ModelCardDraftedSchema, { ...card(1), content: written('one'), writtenBy: 'dana', contributors: ['ben', 'dana'] });
const revised = (cardRevision: number, summary: string, writtenBy = 'wim') => create(ModelCardRevisedSchema, { ...card(cardRevision), content: written(summary), writtenBy, importedFrom: '' });
const submitted = (cardRevision: number) => create(ModelCardSubmittedForReviewSchema, card(cardRevision));
const approved = (cardRevision: number) => create(ModelCardApprovedSchema, { ...card(cardRevision), reviewer: 'mira' });
const returned = (cardRevision: number) => create(ModelCardReturnedSchema, { ...card(cardRevision), reviewer: 'mira', reason: 'too short' });
const published = (cardRevision: number) => create(ModelCardPublishedSchema, card(cardRevision));
const superseded = create(ModelCardSupersededSchema, { ...card(1), byCardRevision: 2 });

const draft: ModelCardCommand = { type: 'DraftModelCard', ...version, content: said('one'), contributors: ['ben', 'dana'], by: 'dana' };
const revise = (summary: string, by = 'wim'): ModelCardCommand => ({ type: 'ReviseModelCard', content: said(summary), importedFrom: '', by });
const submit: ModelCardCommand = { type: 'SubmitModelCardForReview' };
const approve = (by = 'mira', human = true): ModelCardCommand => ({ type: 'ApproveModelCard', by, human, accounts: [by] });
const sendBack = (by = 'mira'): ModelCardCommand => ({ type: 'ReturnModelCard', by, human: true, accounts: [by], reason: 'too short' });
const publish: ModelCardCommand = { type: 'PublishModelCard' };

describe("A version's card", () => {
  it('is reviewed by no other account of who wrote it or built the version', () => {
    const review = (...accounts: string[]): ModelCardCommand => ({ type: 'ApproveModelCard', by: 'm2', human: true, accounts: ['m2', ...accounts] });
    given([drafted, submitted(1)]).when(review('dana')).thenRefused('FOUR_EYES');
    given([drafted, submitted(1)]).when(review('ben')).thenRefused('FOUR_EYES');
    given([drafted, submitted(1)]).when({ ...review('mira'), by: 'mira' } as ModelCardCommand).then([approved(1)]);
  });
  it('is drafted once', () => {
    given([]).when(draft).then([drafted]);
    given([drafted]).when(draft).thenRefused('MODEL_CARD_EXISTS');
  });
  it('has to be drafted before anything else', () => {
    for (const command of [revise('two'), submit, approve(), sendBack(), publish]) given([]).when(command).thenRefused('MODEL_CARD_NOT_FOUND');
  });
  it('is revised, and each revision has its number', () => given([drafted, revised(2, 'two')]).when(revise('three')).then([revised(3, 'three')]));
  it('is not revised by the same words', () => given([drafted]).when(revise('one')).then([]));
  it('goes to review once', () => {
    given([drafted]).when(submit).then([submitted(1)]);
    given([drafted, submitted(1)]).when(submit).then([]);
  });
  it('is not submitted when it is approved or published', () => {
    given([drafted, submitted(1), approved(1)]).when(submit).thenRefused('MODEL_CARD_STATE');
    given([drafted, submitted(1), approved(1), published(1)]).when(submit).thenRefused('MODEL_CARD_STATE');
  });
  it('is not under review any more when it was revised', () => given([drafted, submitted(1), revised(2, 'two')]).when(approve()).thenRefused('MODEL_CARD_STATE'));
  it('is published when it was approved, and once', () => {
    given([drafted, submitted(1)]).when(publish).thenRefused('MODEL_CARD_STATE');
    given([drafted, submitted(1), approved(1)]).when(publish).then([published(1)]);
    given([drafted, submitted(1), approved(1), published(1)]).when(publish).then([]);
  });
  it('is not published when it was revised after its approval', () => given([drafted, submitted(1), approved(1), revised(2, 'two')]).when(publish).thenRefused('MODEL_CARD_STATE'));
  it('supersedes what was published before', () =>
    given([drafted, submitted(1), approved(1), published(1), revised(2, 'two'), submitted(2), approved(2)]).when(publish).then([published(2), superseded]));
});

describe('The review of a card', () => {
  const inReview = [drafted, revised(2, 'two'), submitted(2)];
  it('approves it, once', () => {
    given(inReview).when(approve()).then([approved(2)]);
    given([...inReview, approved(2)]).when(approve()).then([]);
  });
  it('returns it with a reason, and it is a draft again', () => {
    given(inReview).when(sendBack()).then([returned(2)]);
    given([...inReview, returned(2)]).when(submit).then([submitted(2)]);
    given([...inReview, returned(2)]).when(publish).thenRefused('MODEL_CARD_STATE');
  });
  it('is nothing for who built the version or wrote any revision', () => {
    for (const by of ['ben', 'dana', 'wim']) {
      given(inReview).when(approve(by)).thenRefused('FOUR_EYES');
      given(inReview).when(sendBack(by)).thenRefused('FOUR_EYES');
    }
  });
  it('is nothing for a machine', () => given(inReview).when(approve('pipeline', false)).thenRefused('REVIEWER_NOT_HUMAN'));
  it('needs something to review', () => {
    given([drafted]).when(approve()).thenRefused('MODEL_CARD_STATE');
    given([drafted]).when(sendBack()).thenRefused('MODEL_CARD_STATE');
  });
});

describe('A draft', () => {
  it('says what is known of the version, and leaves to people what only they can say', () => {
    const { summary, trainingData, evaluation, fairness, intendedUse, limitations, licence } = draftOf(known);
    expect(summary).toBe('logistic regression\n\nCredit risk\n\nVersion 7 of credit-risk, a model for binary-classification. Built by ben, dana from https://example.org/credit.git at commit abcdef0123, for use case 0199a000-0000-7000-8000-00000000000c.');
    expect(trainingData).toContain('Columns with special categories of personal data: age, sex. Lawful basis: contract.');
    expect(evaluation).toBe('- On german credit: 1994 version 3, test (200 rows): auc 0.71, f1 0.5.\n- On recent version 1 (90 rows): auc 0.69.\n\nReported by whoever trained it: auc 0.75.');
    expect(fairness).toBe('By group, on german credit: 1994 version 3, test:\n\n- sex = female (60 rows): tpr 0.4.');
    expect([intendedUse, limitations, licence]).toEqual(['', '', '']);
  });
  it('tells what was measured between groups with the groups', () => {
    const [newest] = known.evaluations;
    if (!newest) throw new Error('the fixture has evaluations');
    const { evaluation, fairness } = draftOf({ ...known, evaluations: [{ ...newest, metrics: [...newest.metrics, { name: 'demographic_parity_ratio:sex', value: 0.91234 }] }] });
    expect(evaluation).not.toContain('demographic_parity_ratio');
    expect(fairness).toMatch(/tpr 0\.4\.\n\nBetween groups: demographic_parity_ratio:sex 0\.9123\.$/);
  });
  it('of a version of which little is known says little', () => expect(draftOf(bare)).toMatchObject({ evaluation: '', fairness: '' }));
  it('fits into its sections', () => {
    const many = { ...known, evaluations: Array.from({ length: 100 }, () => ({ ...known.evaluations[0]!, groups: Array.from({ length: 800 }, (_, i) => ({ ...known.evaluations[0]!.groups[0]!, group: `g${i}` })) })) };
    const card = draftOf(many);
    for (const section of sections) expect(new TextEncoder().encode(card[section]).length).toBeLessThanOrEqual(bytesOf(section));
  });
  it('says nothing where there is nothing', () => expect(sections.filter((section) => EMPTY[section] !== '')).toEqual([]));
});
