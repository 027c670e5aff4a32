import { HINT } from './hint.ts';
import { LEDGER_STREAM as STREAM } from './ledger-stream.ts';

/** What a login may do at NATS: subjects, with its wildcards. What is not listed is refused; nothing is ever denied by name. */
export interface NatsRights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * The consumers of each service that connects, by name. What stands here may be read by that service and by no other; a
 * consumer that is missing hears nothing from NATS (it reads PostgreSQL, late), so a spec compares this with the code.
 */
export const serviceConsumers = {
  registry: ['registry.lifecycle', 'registry.lineage', 'registry.mlflow-webhooks'],
  governance: ['governance.lifecycle'],
  deployment: ['deployment.lifecycle', 'deployment.rollouts'],
  monitoring: ['monitoring.lifecycle', 'monitoring.rollouts'],
  ledger: [],
} as const satisfies Record<string, readonly string[]>;

export type ConnectedService = keyof typeof serviceConsumers;

/** The durable of a consumer: NATS takes no dots in names. */
export const durableName = (consumer: string): string => consumer.replaceAll('.', '-');

/** Answers come here. Each login has a place of its own, or it would hear the answers of all. */
export const inboxPrefix = (login: string): string => `_INBOX.${login}`;


/** Reads one durable that exists: asks for it, for its next messages, acknowledges them. */
const reading = (durable: string): string[] => [`$JS.API.CONSUMER.INFO.${STREAM}.${durable}`, `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${durable}`, `$JS.ACK.${STREAM}.${durable}.>`];

/** Everything with a stream of one's own but to delete, purge or change it. */
const owning = (stream: string, subjects: string): string[] => [
  ...['STREAM.INFO', 'STREAM.CREATE', 'CONSUMER.CREATE'].map((call) => `$JS.API.${call}.${stream}`),
  ...['CREATE', 'INFO', 'MSG.NEXT', 'DELETE'].map((call) => `$JS.API.CONSUMER.${call}.${stream}.>`),
  subjects,
];

/**
 * The rights of one service. Only the ledger publishes events and makes the stream: what another service wants told, it
 * appends in PostgreSQL, where its role may append to its own streams and to no others. So nobody can forge an event of
 * governance here, not even governance. What models are asked and answer lies in a stream that only monitoring may write and read.
 */
export function rightsOfService(service: ConnectedService): NatsRights {
  const consumers = serviceConsumers[service].map(durableName);
  const publisher = [`$JS.API.INFO`, `$JS.API.STREAM.INFO.${STREAM}`, `$JS.API.STREAM.CREATE.${STREAM}`, 'vitae.ledger.>'];
  return {
    publish: [
      HINT,
      ...(service === 'ledger' ? publisher : []),
      ...(service === 'monitoring' ? owning('VITAE_INFERENCE', 'vitae.inference.>') : []),
      ...consumers.flatMap((durable) => [`$JS.API.CONSUMER.CREATE.${STREAM}.${durable}`, ...reading(durable)]),
    ],
    subscribe: [`${inboxPrefix(service)}.>`, ...(service === 'ledger' ? [HINT] : [])],
  };
}

/**
 * The rights of a system outside that reads some projects: what happens now, by plain subscription, and the durable of its
 * name, which MUST have been made for it with a filter on these projects (`keepDurables`, README). It cannot make one,
 * for whoever may make a consumer may have it delivered to anybody.
 */
export function rightsOfSubscriber(name: string, projectIds: readonly string[]): NatsRights {
  return { publish: reading(name), subscribe: [`${inboxPrefix(name)}.>`, ...projectIds.map((projectId) => `vitae.ledger.${projectId}.>`)] };
}

/**
 * The rights of who looks at everything and changes nothing: the operator's own eyes, and what tests read with. The one
 * consumer that it may make and remove bears its name, since whoever may make any may change those of the services.
 */
export function rightsOfAuditor(): NatsRights {
  const { publish, subscribe } = rightsOfSubscriber('auditor', []);
  const own = ['CREATE', 'DELETE'].flatMap((call) => [`$JS.API.CONSUMER.${call}.${STREAM}.auditor`, `$JS.API.CONSUMER.${call}.${STREAM}.auditor.>`]);
  return { publish: [...publish, ...own, '$JS.API.INFO', `$JS.API.STREAM.INFO.${STREAM}`, `$JS.API.STREAM.MSG.GET.${STREAM}`], subscribe: [...subscribe, 'vitae.ledger.>'] };
}
