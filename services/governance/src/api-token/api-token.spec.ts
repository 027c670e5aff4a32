import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { ApiTokenIssuedSchema, ApiTokenRevokedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { apiToken } from './api-token.ts';
import type { Caller } from './caller.ts';

const tokenId = 'Ab3dEf6hIj9L';
/** May register and read in credit, and read everywhere; nobody has an approval to give. */
const ben: Caller = {
  id: 'ben', human: true, administrator: false,
  giving: (permission, project) => {
    if (permission === 'approval.grant') return 'people-only';
    if (!['model.register', 'model.read'].includes(permission)) return 'unknown';
    return permission === 'model.read' || project === 'credit' ? 'ok' : 'not-yours';
  },
};
const issue = { type: 'IssueApiToken', tokenId, name: 'ci', by: ben, projects: ['credit'], permissions: ['model.register', 'model.read'], now: '2026-11-27T10:00:00.000Z', expiresAt: '2026-12-27T10:00:00.000Z' } as const;
const issued = create(ApiTokenIssuedSchema, { tokenId, name: 'ci', owner: 'ben', projects: ['credit'], permissions: ['model.register', 'model.read'], expiresAt: issue.expiresAt });
const revoked = create(ApiTokenRevokedSchema, { tokenId, name: 'ci', owner: 'ben' });
const given = specification(apiToken);

describe('an API token', () => {
  it('is issued by a person', () => given([]).when(issue).then([issued]));
  it('is issued once', () => given([issued]).when(issue).then([]));
  it('is not issued by a machine', () => given([]).when({ ...issue, by: { ...ben, id: 'ci', human: false } }).thenRefused('HUMAN_REQUIRED'));
  it('gives what its maker has in every project it names', () => given([]).when({ ...issue, projects: ['credit', 'fraud'] }).thenRefused('PERMISSION_NOT_YOURS'));
  it('gives all projects only where its maker has all', () => given([]).when({ ...issue, projects: ['*'] }).thenRefused('PERMISSION_NOT_YOURS'));
  it('gives all projects where its maker has all', () =>
    given([]).when({ ...issue, projects: ['*'], permissions: ['model.read'] }).then([{ ...issued, projects: ['*'], permissions: ['model.read'] }]));
  it('never approves', () => given([]).when({ ...issue, permissions: ['approval.grant'] }).thenRefused('PERMISSION_OF_PEOPLE'));
  it('names permissions that there are', () => given([]).when({ ...issue, permissions: ['model.registre'] }).thenRefused('PERMISSION_UNKNOWN'));
  it('may live a year', () => given([]).when({ ...issue, expiresAt: '2027-11-27T10:00:00.000Z' }).then([{ ...issued, expiresAt: '2027-11-27T10:00:00.000Z' }]));
  it('lives no longer', () => given([]).when({ ...issue, expiresAt: '2027-11-27T10:00:00.001Z' }).thenRefused('EXPIRY_OUT_OF_RANGE'));
  it('does not end before it begins', () => given([]).when({ ...issue, expiresAt: issue.now }).thenRefused('EXPIRY_OUT_OF_RANGE'));

  const revoke = { type: 'RevokeApiToken', tokenId, by: ben } as const;
  it('is revoked by its owner', () => given([issued]).when(revoke).then([revoked]));
  it('is revoked by an administrator', () => given([issued]).when({ ...revoke, by: { id: 'ada', administrator: true } }).then([revoked]));
  it('is not there for others', () => given([issued]).when({ ...revoke, by: { id: 'eva', administrator: false } }).thenRefused('API_TOKEN_NOT_FOUND'));
  it('is revoked once', () => given([issued, revoked]).when(revoke).then([]));
  it('has to exist', () => given([]).when(revoke).thenRefused('API_TOKEN_NOT_FOUND'));
});
