import { clone, type Message } from '@bufbuild/protobuf';
import { ActorKind, eventRegistry, InvalidEvent, storedJson, type Actor } from '@vitae/contracts';
import { metadataOf, type PreparedAppend } from '@vitae/event-store';
import { mayHoldPersonal, visitTexts } from './personal-places.ts';
import { replaceUnsealed, SEAL, sealText } from './sealed-text.ts';

/** A person's live key in a project. */
export interface PersonKey {
  readonly keyId: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/**
 * Who may one day ask for what this actor writes to be erased: a human, or the one on whose behalf a machine writes.
 * Undefined for what a service says of its own accord.
 */
export const personOf = ({ id, kind, onBehalfOf }: Actor): string | undefined => (kind === ActorKind.HUMAN ? id : onBehalfOf || undefined);

/**
 * The same append with every personal text sealed, ready to be stored: it was checked before, on the clear text. The reason
 * is shared by the events of one append and is at home in the first. A text that is sealed already was cited from an
 * earlier event and stays as it is, under its own key.
 *
 * @param key of the person; absent when it is nobody's text.
 * @throws InvalidEvent when sealed text stands in a field that is not for personal text: it would be kept for ever.
 */
export function sealAppend<Event extends Message>(prepared: PreparedAppend<Event>, key: PersonKey | undefined): PreparedAppend<Event> {
  const { request, events } = prepared;
  const seal = (text: string, eventId: string, place: string): string =>
    key ? replaceUnsealed(text, (clear) => sealText(clear, key.key, { keyId: key.keyId, eventId, place })) : text;

  const sealed = events.map((one) => {
    const schema = schemaOf(one.event);
    if (!one.payload.includes(SEAL) && !(key && mayHoldPersonal(schema))) return one;
    const event = clone(schema, one.event) as Event;
    visitTexts(schema, event, (text, { place, personal }) => {
      if (personal) return seal(text, one.id, place);
      if (!text.includes(SEAL)) return text;
      throw new InvalidEvent(event.$typeName, [{ field: place.slice('payload.'.length), message: `holds ${SEAL}, which only fields for personal text may` }]);
    });
    return { id: one.id, event, payload: storedJson(event) };
  });
  const reason = seal(request.attribution.reason, events[0]?.id ?? '', 'metadata.reason');
  const attribution = { ...request.attribution, reason };
  return { ...prepared, request: { ...request, attribution, events: sealed.map(({ event }) => event) }, metadata: metadataOf(attribution), events: sealed };
}

function schemaOf(event: Message) {
  const schema = eventRegistry.getMessage(event.$typeName);
  if (!schema) throw new Error(`${event.$typeName} was prepared for an append and is not known`);
  return schema;
}
