import type { DescMessage, Registry } from '@bufbuild/protobuf';
import { contained, payloadSchema, schemaRef, type Schema } from './payload-schema.ts';

export const ASYNCAPI_JSON = 'application/vnd.aai.asyncapi+json;version=3.0.0';

/**
 * The AsyncAPI 3.0 document of all lifecycle events: a channel for each service with the subjects that its events are
 * published under, a message for each event type, and the payloads' JSON Schemas; everything from the descriptors of proto/.
 */
export function asyncApi(registry: Registry, version: string): object {
  const events = eventTypes(registry);
  const services = [...new Set(events.map(serviceOf))].sort();
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Vitae lifecycle events',
      version,
      description:
        'Every event of the ledger, in one order. Over NATS JetStream (stream VITAE_LEDGER) as CloudEvents 1.0 in binary mode: attributes are headers, ' +
        'the payload is the data. To webhooks as CloudEvents 1.0 in structured mode: the same attributes without "ce-", the payload as "data". ' +
        'Fields and event types are only ever added; pass over what you do not know.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(services.map((service) => [service, channel(service, events.filter((event) => serviceOf(event) === service))])),
    operations: Object.fromEntries(
      services.map((service) => [
        `publish-${service}`,
        { action: 'send', channel: { $ref: `#/channels/${service}` }, summary: `Vitae tells of every event of ${service}, in the order of the ledger, at least once.` },
      ]),
    ),
    components: {
      messages: Object.fromEntries(events.map((event) => [event.typeName, message(event)])),
      messageTraits: { cloudEvent: { headers: HEADERS } },
      schemas: Object.fromEntries(events.flatMap((event) => [...contained(event)].map((inner) => [inner.typeName, payloadSchema(inner)]))),
    },
  };
}

/** What is appended by itself. A message that another one has as a field is a part, and no event. */
export function eventTypes(registry: Registry): readonly DescMessage[] {
  const messages = [...registry].filter((desc) => desc.kind === 'message');
  const parts = new Set(messages.flatMap(({ fields }) => fields.map(({ message: part }) => part?.typeName)));
  return messages.filter(({ typeName }) => typeName.startsWith('vitae.') && !parts.has(typeName)).sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
}

/** vitae.registry.v1.ModelRegistered is an event of the registry. */
const serviceOf = ({ typeName }: DescMessage): string => typeName.split('.')[1] ?? '';

function channel(service: string, events: readonly DescMessage[]): object {
  return {
    address: `vitae.ledger.{projectId}.${service}.{aggregate}.{event}`,
    description: `What happened in ${service}. Subscribe to vitae.ledger.<project>.${service}.> for one project, vitae.ledger.*.${service}.> for all.`,
    parameters: {
      projectId: { description: 'The project, 1 to 63 lower-case letters, digits and hyphens; vitae for what concerns the whole installation.' },
      aggregate: { description: 'What it happened to, such as Model or Endpoint: the part of the stream after the service.' },
      event: { description: 'What happened: the last part of the event type.', enum: events.map(({ name }) => name) },
    },
    messages: Object.fromEntries(events.map(({ name, typeName }) => [name, { $ref: `#/components/messages/${typeName}` }])),
    bindings: { nats: {} },
  };
}

function message({ name, typeName }: DescMessage): object {
  return {
    name: typeName,
    title: name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' '),
    contentType: 'application/json',
    correlationId: { location: '$message.header#/ce-correlationid' },
    traits: [{ $ref: '#/components/messageTraits/cloudEvent' }],
    payload: { $ref: schemaRef(typeName) },
  };
}

const header = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more });

/** CloudEvents attributes as NATS headers: values are percent-encoded (CloudEvents NATS protocol binding). */
const HEADERS: Schema = {
  type: 'object',
  required: ['ce-specversion', 'ce-id', 'ce-source', 'ce-type', 'ce-time', 'ce-index', 'ce-stream', 'ce-revision', 'ce-projectid', 'ce-actorid', 'ce-actorkind'],
  properties: {
    'ce-specversion': header('Version of CloudEvents.', { const: '1.0' }),
    'ce-id': header('Id of the event, a UUIDv7. The same however often it is delivered.', { format: 'uuid' }),
    'ce-source': header('/vitae/<project>/<service>'),
    'ce-type': header('Full name of the event type.'),
    'ce-time': header('When it happened.', { format: 'date-time' }),
    'ce-recordedtime': header('When the ledger stored it.', { format: 'date-time' }),
    'ce-subject': header('The stream: <service>.<Aggregate>-<id>.'),
    'ce-datacontenttype': header('Media type of the payload.', { const: 'application/json' }),
    'ce-index': header('Place in the ledger, from 0, without gaps over all projects. JetStream sequence = index + 1.', { pattern: '^\\d+$' }),
    'ce-stream': header('The stream again, under the ledger\'s own name for it.'),
    'ce-revision': header('Place in the stream, from 1.', { pattern: '^\\d+$' }),
    'ce-projectid': header('The project.'),
    'ce-subjects': header('What it concerns: <kind>:<id>, separated by spaces.'),
    'ce-actorid': header('Who did it.'),
    'ce-actorkind': header('What that is.', { enum: ['human', 'machine', 'system'] }),
    'ce-onbehalfof': header('On whose behalf, if not on its own.'),
    'ce-reason': header('Why, in the actor\'s words; sealed where it is personal text.'),
    'ce-correlationid': header('Shared by everything that one request set off.'),
    'ce-causationid': header('Id of the event that caused this one.'),
    'ce-traceparent': header('W3C Trace Context of the append.'),
    traceparent: header('W3C Trace Context of the publishing.'),
  },
};
