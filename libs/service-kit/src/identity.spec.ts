import { describe, expect, it } from '@jest/globals';
import { ActorKind } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { contextOf, reactionContext, type CommandContext, type ContextRequest } from './identity.ts';
import type { Principal } from './access/principal.ts';
import { Problem } from './problem.ts';

const dana: Principal = { kind: 'human', id: 'dana', onBehalfOf: '', grants: [] };
const given = (headers: Record<string, string> = {}, more: Partial<ContextRequest> = {}): ContextRequest => ({
  method: 'POST',
  originalUrl: '/v1/projects/credit/models',
  params: { projectId: 'credit' },
  headers,
  principal: dana,
  ...more,
});
const read = (request: ContextRequest): CommandContext => contextOf(request);
const problemOf = (request: ContextRequest): Pick<Problem, 'status' | 'slug'> => {
  try {
    contextOf(request);
  } catch (error) {
    if (error instanceof Problem) return { status: error.status, slug: error.slug };
    throw error;
  }
  throw new Error('accepted');
};

describe('the context of a command', () => {
  it('names who was authenticated as the actor', () => {
    expect(read(given())).toMatchObject({ projectId: 'credit', actor: { id: 'dana', kind: ActorKind.HUMAN, onBehalfOf: '' }, principal: dana, reason: '', causationId: '' });
    const machine: Principal = { kind: 'machine', id: 'nightly', onBehalfOf: 'dana', grants: [] };
    expect(read(given({}, { principal: machine })).actor).toMatchObject({ id: 'nightly', kind: ActorKind.MACHINE, onBehalfOf: 'dana' });
    expect(read(given({}, { principal: { ...machine, kind: 'service', onBehalfOf: '' } })).actor).toMatchObject({ kind: ActorKind.SYSTEM });
  });

  it('believes no header that names an actor', () => {
    expect(problemOf(given({ 'vitae-actor': 'human/eve' }, { principal: undefined }))).toEqual({ status: 401, slug: 'credential-missing' });
    expect(read(given({ 'vitae-actor': 'human/eve' })).actor.id).toBe('dana');
  });

  it.each(['Credit', '-credit', 'cre_dit', 'x'.repeat(64), 'a.b', '>', ''])('answers 400 to the project %j', (projectId) => {
    expect(problemOf(given({}, { params: { projectId } }))).toEqual({ status: 400, slug: 'project-malformed' });
  });

  it('reads the reason as percent-encoded UTF-8', () => {
    expect(read(given({ 'vitae-reason': 'gr%C3%B6%C3%9Fere%20Daten' })).reason).toBe('größere Daten');
    expect(problemOf(given({ 'vitae-reason': '100%' }))).toEqual({ status: 400, slug: 'reason-malformed' });
  });

  it('keeps the caller’s correlation id, or makes one', () => {
    expect(read(given({ 'vitae-correlation-id': 'job-7' })).correlationId).toBe('job-7');
    expect(read(given()).correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(problemOf(given({ 'vitae-correlation-id': 'a b' }))).toEqual({ status: 400, slug: 'correlation-malformed' });
  });

  it('reads a revision in double quotes, and nothing else, from If-Match', () => {
    expect(read(given({ 'if-match': '"3"' })).expected).toBe(3);
    expect(read(given()).expected).toBeUndefined();
    for (const text of ['3', 'W/"3"', '*', '"x"', '"3", "4"']) expect(problemOf(given({ 'if-match': text }))).toEqual({ status: 400, slug: 'if-match-malformed' });
  });

  it('gives the same fingerprint to the same request only', () => {
    const key = { 'idempotency-key': 'k-1' };
    const print = (more: Partial<ContextRequest>) => read(given(key, more)).idempotency?.fingerprint;
    const first = print({ rawBody: Buffer.from('{"name":"a"}') });
    expect(print({ rawBody: Buffer.from('{"name":"a"}') })).toBe(first);
    expect(print({ rawBody: Buffer.from('{"name":"b"}') })).not.toBe(first);
    expect(print({ rawBody: Buffer.from('{"name":"a"}'), originalUrl: '/v1/projects/credit/others' })).not.toBe(first);
    expect(print({ rawBody: Buffer.from('{"name":"a"}'), principal: { ...dana, id: 'eve' } })).not.toBe(first);
    expect(problemOf(given({ 'idempotency-key': 'two words' }))).toEqual({ status: 400, slug: 'idempotency-key-malformed' });
  });
});

describe('the context of a reaction', () => {
  const event = { id: '0199', projectId: 'credit', correlationId: 'c1' } as RecordedEvent;

  it('names the service as the actor and the event as the cause', () => {
    expect(reactionContext(event, 'registry', 'its permit was used')).toMatchObject({
      projectId: 'credit',
      actor: { id: 'registry', kind: ActorKind.SYSTEM },
      reason: 'its permit was used',
      correlationId: 'c1',
      causationId: '0199',
    });
  });

  it('has the same idempotency key whenever the event comes again, and another one for another purpose', () => {
    const first = reactionContext(event, 'registry', 'r').idempotency;
    expect(reactionContext(event, 'registry', 'r').idempotency).toEqual(first);
    expect(reactionContext(event, 'registry', 'r', 'archive').idempotency?.key).not.toBe(first?.key);
    expect(reactionContext(event, 'governance', 'r').idempotency?.key).not.toBe(first?.key);
  });
});
