import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { metadataOf, recordedFrom, type Attribution, type EventRow } from './recorded-event.ts';

const id = '0199c2f0-51a3-7bd2-8000-000000000001';
const attribution: Attribution = {
  projectId: 'credit',
  actor: create(ActorSchema, { id: 'olivia', kind: ActorKind.HUMAN }),
  reason: 'small "loans"',
  occurredAt: '2026-11-21T11:00:00.120Z',
  correlationId: 'c-1',
  causationId: '',
  traceparent: '',
};
const METADATA = '{"actor":{"id":"olivia","kind":"ACTOR_KIND_HUMAN"},"correlationId":"c-1","occurredAt":"2026-11-21T11:00:00.120Z","reason":"small \\"loans\\""}';

const row = (more: Partial<EventRow> = {}): EventRow => ({
  index: '41', id, stream: `governance.UseCase-${id}`, revision: 2, type: 'vitae.governance.v1.UseCaseSubmitted', project_id: 'credit',
  subjects: '{use-case:u-1,model:m-1}', payload: `{"useCaseId":"${id}"}`, metadata: METADATA, recorded_at: '2026-11-21 11:00:00.5+00', ...more,
});

describe('a recorded event', () => {
  it('given an attribution, then these are its bytes, without the project, which has a column of its own', () => {
    expect(metadataOf(attribution)).toBe(METADATA);
  });

  it('given a row, then it is read whole', () => {
    expect(recordedFrom(row())).toStrictEqual({
      ...attribution, index: 41, id, stream: `governance.UseCase-${id}`, revision: 2, type: 'vitae.governance.v1.UseCaseSubmitted',
      subjects: ['use-case:u-1', 'model:m-1'], recordedAt: '2026-11-21T11:00:00.500000Z', payload: `{"useCaseId":"${id}"}`, event: create(UseCaseSubmittedSchema, { useCaseId: id }),
    });
  });

  it('given no index yet and no subjects, then there are none', () => {
    expect(recordedFrom(row({ index: null, subjects: '{}' }))).toMatchObject({ index: undefined, subjects: [] });
  });

  it.each(['2026-11-21T11:00:00.120Z', '2026-02-28T23:59:59.999Z', '2026-01-31T00:00:00.001Z', '2024-02-29T12:00:00.000Z'])('given that it happened at %s, then that is read again', (occurredAt) => {
    expect(recordedFrom(row({ metadata: metadataOf({ ...attribution, occurredAt }) }))).toMatchObject({ occurredAt });
  });

  it('given another way to write the time, then it is read in milliseconds', () => {
    expect(recordedFrom(row({ metadata: METADATA.replace('11:00:00.120Z', '12:00:00.120+01:00') }))).toMatchObject({ occurredAt: attribution.occurredAt });
  });

  it.each(['{}', '{"actor":{"id":"olivia"}}', '{"occurredAt":"2026-11-21T11:00:00Z"}'])('given metadata without author or time, %s, then the event is refused', (metadata) => {
    expect(() => recordedFrom(row({ metadata }))).toThrow(`event ${id} has no actor or time: its metadata was not written by append`);
  });
});
