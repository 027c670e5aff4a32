import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { PermitConsumedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { permit, type GivenPermit, type PermitCommand, type PermitUse } from './permit.ts';

const id = (n: number): string => `01990000-0000-7000-8000-00000000000${n}`;
const permitId = id(1);
const given: GivenPermit = {
  permitId,
  decisionId: id(2),
  gate: 'promote-production',
  modelVersionId: id(3),
  artefactDigest: `sha256:${'a'.repeat(64)}`,
  environment: 'production',
  environmentClass: 'production',
  expiresAt: '2026-03-01T10:15:00Z',
};
const use: PermitUse = {
  endpointId: id(4),
  variantId: id(5),
  modelVersionId: given.modelVersionId,
  artefactDigest: given.artefactDigest,
  environment: 'production',
  environmentClass: 'production',
};
const consume = (over: Partial<PermitCommand> = {}): PermitCommand => ({ type: 'ConsumePermit', permitId, given, use, at: '2026-03-01T10:14:59Z', ...over });
const consumed = create(PermitConsumedSchema, { permitId, decisionId: id(2), endpointId: id(4), variantId: id(5) });
const spec = specification(permit);

describe('a permit', () => {
  it('is consumed by what it was given for', () => spec([]).when(consume()).then([consumed]));
  it('is consumed once for the same variant', () => spec([consumed]).when(consume()).then([]));
  it('is good for one variant only', () => spec([consumed]).when(consume({ use: { ...use, variantId: id(6) } })).thenRefused('PERMIT_USED'));
  it('must have been given', () => spec([]).when(consume({ given: undefined })).thenRefused('PERMIT_UNKNOWN'));
  it('ends at the moment it says', () => {
    spec([]).when(consume({ at: '2026-03-01T10:15:00Z' })).thenRefused('PERMIT_EXPIRED');
    spec([]).when(consume({ at: '2026-03-01T10:15:00.001+00:00' })).thenRefused('PERMIT_EXPIRED');
  });

  const others: [string, Partial<PermitUse>, Partial<GivenPermit>][] = [
    ['another version', { modelVersionId: id(7) }, {}],
    ['other bytes', { artefactDigest: `sha256:${'b'.repeat(64)}` }, {}],
    ['another environment', { environment: 'staging' }, {}],
    ['an environment of another class', {}, { environmentClass: 'development' }],
    ['another gate', {}, { gate: 'promote-staging' }],
  ];
  it.each(others)('is no right to %s', (_other, wanted, was) => {
    spec([]).when(consume({ use: { ...use, ...wanted }, given: { ...given, ...was } })).thenRefused('PERMIT_MISMATCH');
  });
});
