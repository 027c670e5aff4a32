import { instant } from '@vitae/service-kit';
import { z } from 'zod';

/** A place in the ledger, from 0. */
export const ledgerIndex = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** RFC 3339 with an offset. */
export const time = instant;

/** Which events are asked for: those that all of these hold for. */
export interface EventFilter {
  /** Absent: of every project. */
  readonly projectId?: string | undefined;
  readonly stream?: string | undefined;
  /** `<kind>:<id>` */
  readonly subject?: string | undefined;
  /** Full name of a type, or `vitae.<service>.` for all of a service. */
  readonly type?: string | undefined;
  /** An actor's id. */
  readonly actor?: string | undefined;
}

/** What `GET events` and its feed take alike. */
export const filterQuery = z.strictObject({
  stream: z
    .string()
    .regex(/^[a-z]+\.[A-Z][A-Za-z]+-[0-9a-z-]+$/, 'expected <service>.<Aggregate>-<id>, for example registry.ModelVersion-0199…')
    .optional(),
  subject: z
    .string()
    .regex(/^[a-z][a-z-]*:[A-Za-z0-9._-]+$/, 'expected <kind>:<id>, for example model:0199…')
    .optional(),
  type: z
    .string()
    .regex(/^((vitae\.)?[a-z]+|vitae\.[a-z]+\.v\d+\.[A-Z][A-Za-z]+)$/, 'expected a full name such as vitae.registry.v1.ModelRegistered, or a service such as registry')
    .transform((text) => (/\.v\d+\./.test(text) ? text : `vitae.${text.replace(/^vitae\./, '')}.`))
    .optional(),
  actor: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'expected the id of an actor, without its kind: dana')
    .optional(),
});

/**
 * Under which entries of ledger.entry_block the events are found (0005-history.sql says how these are written): a block
 * that lacks one of them holds no such event. Empty: nothing narrows the search.
 */
export function facetsOf({ projectId, type, actor }: EventFilter): readonly string[] {
  const space = projectId ?? '*';
  const named = [
    ...(type === undefined ? [] : [`${space} ${type.endsWith('.') ? type.split('.')[1] : type}`]),
    ...(actor === undefined ? [] : [`${space} @${actor}`]),
  ];
  return named.length > 0 || projectId === undefined ? named : [projectId];
}
