import { randomBytes } from 'node:crypto';
import { create, type Message } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, eventFromJson, IncidentClosedSchema, ModelRegisteredSchema, RetirementCompletedSchema, type Actor, type IncidentClosed } from '@vitae/contracts';
import { prepareAppend } from '@vitae/event-store';
import { personOf, sealAppend } from './seal-append.ts';
import { openText, sealedTextsIn, sealText } from './sealed-text.ts';

const id = (n: number) => `01990000-0000-7000-8000-00000000000${n}`;
const paula = { keyId: id(1), key: randomBytes(32) };
const actor = (kind: ActorKind, name = 'paula', onBehalfOf = ''): Actor => create(ActorSchema, { id: name, kind, onBehalfOf });

const closed = create(IncidentClosedSchema, { incidentId: id(2), rootCause: 'Paula forgot the currency', lesson: 'ask Paula' });
const prepare = <Event extends Message>(events: readonly Event[], who = actor(ActorKind.HUMAN), reason = 'I looked into it') =>
  prepareAppend({
    stream: `governance.Incident-${id(2)}`,
    expected: 'any',
    subjects: [],
    events,
    attribution: { projectId: 'credit', actor: who, reason, occurredAt: '2026-11-21T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' },
  });

describe('sealAppend', () => {
  it('seals the marked fields and the reason, and leaves ids and all else as they are', () => {
    const before = prepare([closed, closed]);
    const after = sealAppend(before, paula);
    expect(JSON.stringify(after)).not.toMatch(/Paula|looked/);
    expect(after.events.map((event) => event.id)).toEqual(before.events.map((event) => event.id));
    expect(after.events.map(({ payload }) => sealedTextsIn(payload).map(({ keyId, eventId, place }) => [keyId, eventId, place]))).toEqual(
      before.events.map((event) => [
        [paula.keyId, event.id, 'payload.lesson'],
        [paula.keyId, event.id, 'payload.rootCause'],
      ]),
    );
    // One reason for all events of the append: it is at home in the first.
    expect(sealedTextsIn(after.metadata)).toEqual([{ keyId: paula.keyId, eventId: before.events[0]?.id, place: 'metadata.reason' }]);
    expect(openText(after.request.attribution.reason, paula.key)).toBe('I looked into it');
  });

  it('gives views and readers the same as what is stored, and never changes what the decider gave', () => {
    const after = sealAppend(prepare([closed]), paula);
    const [stored] = after.events;
    expect(eventFromJson(closed.$typeName, stored?.payload ?? '')).toEqual(stored?.event);
    expect(after.request.events).toEqual([stored?.event]);
    expect(openText((stored?.event as IncidentClosed).rootCause, paula.key)).toBe('Paula forgot the currency');
    expect(closed.rootCause).toBe('Paula forgot the currency');
  });

  it('leaves a text that is sealed already under its own key: it is cited', () => {
    const cited = sealText('her lesson', randomBytes(32), { keyId: id(8), eventId: id(9), place: 'payload.lesson' });
    const completed = create(RetirementCompletedSchema, { retirementId: id(2), modelVersionId: id(3), modelId: id(4), version: 1, archiveLocation: 'there', lesson: cited });
    expect((sealAppend(prepare([completed], actor(ActorKind.SYSTEM, 'governance')), undefined).events[0]?.event as { lesson: string }).lesson).toBe(cited);
    const [own, kept] = sealedTextsIn((sealAppend(prepare([{ ...completed, lesson: `as said: ${cited}` }]), paula).events[0]?.event as { lesson: string }).lesson);
    expect([own?.keyId, kept?.keyId]).toEqual([paula.keyId, id(8)]);
  });

  it('refuses sealed text in a field that is not for personal text', () => {
    const sealed = sealText('x', randomBytes(32), { keyId: id(8), eventId: id(9), place: 'payload.lesson' });
    const named = create(ModelRegisteredSchema, { modelId: id(2), name: sealed, task: 't', useCaseId: id(3) });
    expect(() => sealAppend(prepare([named]), paula)).toThrow(/ModelRegistered breaks its contract: name holds enc:v1:/);
    expect(() => sealAppend(prepare([named], actor(ActorKind.SYSTEM)), undefined)).toThrow(/holds enc:v1:/);
  });

  it('changes nothing that services and machines say of their own accord', () => {
    const before = prepare([closed], actor(ActorKind.SYSTEM, 'governance'));
    expect(sealAppend(before, undefined)).toEqual(before);
  });
});

describe('whose text it is', () => {
  it.each([
    ['a human: their own', actor(ActorKind.HUMAN), 'paula'],
    ['a human for somebody: their own', actor(ActorKind.HUMAN, 'dana', 'paula'), 'dana'],
    ['a machine for a human: the human’s', actor(ActorKind.MACHINE, 'ci', 'paula'), 'paula'],
    ['a machine: nobody’s', actor(ActorKind.MACHINE, 'ci'), undefined],
    ['a service: nobody’s', actor(ActorKind.SYSTEM, 'ledger'), undefined],
  ])('%s', (_what, who, person) => expect(personOf(who)).toBe(person));
});
