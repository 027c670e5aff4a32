import { z } from 'zod';
import { LEDGER_STREAM as STREAM } from './ledger-stream.ts';
import { durableName, inboxPrefix, serviceConsumers, type NatsRights } from './nats-rights.ts';

/** A system outside that reads the events of some projects. Its login and its durable bear its name. */
export interface Subscriber {
  readonly name: string;
  readonly projects: readonly string[];
}

/** The login that makes and removes the durables of subscribers: the operator's, for none of them may make its own. */
export const KEEPER = 'subscriptions';

const taken: readonly string[] = [KEEPER, 'auditor', ...Object.keys(serviceConsumers), ...Object.values(serviceConsumers).flat().map(durableName)];
// No `*`, no `>`, no dot: a project's name becomes a part of a subject.
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 lower-case letters, digits and hyphens');
const document = z
  .array(z.strictObject({ name: name.refine((said) => !taken.includes(said), 'this name is one of the suite itself'), projects: z.array(name).min(1) }))
  .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'two subscribers bear one name');

/**
 * Reads a list of subscribers: `[{ "name": "bi", "projects": ["credit"] }]`.
 * @throws with what is wrong, and where.
 */
export function readSubscribers(text: string): Subscriber[] {
  const parsed = document.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('/') || 'the list'}: ${issue?.message ?? 'wrong'}`);
}

/** What the keeper may do: make, look at and remove the durables of these names, and nothing with any other. It reads no event. */
export const rightsOfKeeper = (names: readonly string[]): NatsRights => ({
  publish: names.flatMap((durable) => ['DURABLE.CREATE', 'INFO', 'DELETE'].map((call) => `$JS.API.CONSUMER.${call}.${STREAM}.${durable}`)),
  subscribe: [`${inboxPrefix(KEEPER)}.>`],
});

/** The events that a subscriber's durable gives out. */
export const filtersOf = ({ projects }: Subscriber): string[] => projects.map((project) => `vitae.ledger.${project}.>`).sort();
