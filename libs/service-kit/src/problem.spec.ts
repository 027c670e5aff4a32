import { describe, expect, it } from '@jest/globals';
import { BadRequestException, HttpException, InternalServerErrorException, NotFoundException } from '@nestjs/common';
import { InvalidEvent } from '@vitae/contracts';
import { IdempotencyKeyReused, Refused, RevisionConflict } from '@vitae/event-store';
import { Problem, problemDocument, toProblem } from './problem.ts';

const plain = { ifMatch: false };
const document = (error: unknown, request = plain) => problemDocument(toProblem(error, request), '/v1/projects/credit/models', 'abc');

describe('a problem', () => {
  it('tells a refusal by its reason, with the status the rules chose', () => {
    expect(document(new Refused('DIGEST_ALREADY_REGISTERED', 'The artefact is registered as version 2. Use that one.'))).toEqual({
      type: 'https://vitae.dev/problems/digest-already-registered',
      title: 'Digest already registered',
      status: 409,
      detail: 'The artefact is registered as version 2. Use that one.',
      instance: '/v1/projects/credit/models',
      reason: 'digest-already-registered',
      traceId: 'abc',
    });
    expect(document(new Refused('PERMIT_EXPIRED', 'It ended.', 410))).toMatchObject({ status: 410, reason: 'permit-expired' });
  });

  it('tells a conflict as 412 to who sent If-Match and as 409 to who did not', () => {
    const conflict = new RevisionConflict('registry.Model-1', 3, 5);
    expect(document(conflict, { ifMatch: true })).toMatchObject({
      type: 'https://vitae.dev/problems/revision-mismatch',
      status: 412,
      expectedRevision: 3,
      currentRevision: 5,
      detail: 'registry.Model-1 is at revision 5. Read it again, look at what changed, and send the command with the current revision.',
    });
    expect(document(conflict)).toMatchObject({ type: 'https://vitae.dev/problems/revision-conflict', status: 409 });
  });

  it('points at each field of an event that breaks its contract', () => {
    const error = new InvalidEvent('vitae.registry.v1.ModelRegistered', [
      { field: 'data_set.digest', message: 'must be sha256' },
      { field: 'metrics[2].value', message: 'must be finite' },
      { field: 'labels["a.b/c"]', message: 'is too long' },
    ]);
    expect(document(error)).toMatchObject({
      status: 422,
      errors: [
        { pointer: '/dataSet/digest', detail: 'must be sha256' },
        { pointer: '/metrics/2/value', detail: 'must be finite' },
        { pointer: '/labels/a.b~1c', detail: 'is too long' },
      ],
    });
  });

  it('tells a reused idempotency key as 422', () => {
    expect(document(new IdempotencyKeyReused('k1'))).toMatchObject({ type: 'https://vitae.dev/problems/idempotency-key-reused', status: 422 });
  });

  it('knows what the body parser means', () => {
    const tooLarge = new HttpException('request entity too large', 413, { cause: Object.assign(new Error(), { type: 'entity.too.large', limit: 1_048_576 }) });
    expect(document(tooLarge)).toMatchObject({ status: 413, type: 'https://vitae.dev/problems/body-too-large', detail: expect.stringContaining('1048576 bytes') });
    const malformed = new BadRequestException('Unexpected token', { cause: Object.assign(new SyntaxError(), { type: 'entity.parse.failed' }) });
    expect(document(malformed)).toMatchObject({ status: 400, type: 'https://vitae.dev/problems/malformed-json' });
  });

  it('tells an address without a route from a thing that is not there', () => {
    expect(document(new NotFoundException('Cannot GET /v2/models'))).toMatchObject({ status: 404, type: 'https://vitae.dev/problems/route-not-found' });
    expect(document(new Problem(404, 'model-not-found', 'Model not found', 'There is no model 7. List them.'))).toMatchObject({
      status: 404,
      type: 'https://vitae.dev/problems/model-not-found',
      detail: 'There is no model 7. List them.',
    });
  });

  it('tells the client nothing of an error that nobody foresaw', () => {
    for (const error of [new Error('relation registry.secret does not exist'), 'a string', undefined, new InternalServerErrorException('secret')]) {
      const told = document(error);
      expect(told).toMatchObject({ status: 500, type: 'https://vitae.dev/problems/internal' });
      expect(JSON.stringify(told)).not.toContain('secret');
    }
  });

  it('says that the database is away instead of blaming itself, and when to come back', () => {
    const problem = toProblem(new Error('lost', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }), plain);
    expect(problem).toMatchObject({ status: 503, slug: 'database-unavailable', extra: { headers: { 'Retry-After': '2' } } });
  });
});
