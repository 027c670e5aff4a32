import type { Project, RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '../database.ts';

/**
 * How views are written from the ledger, and nothing else: what a rebuild repeats. Neither kind may react, append, call
 * out or read a clock, and SQL of their own MUST leave the schema out of a table's name: a rebuild writes elsewhere.
 */
export type Projection = OwnProjection | FollowedProjection;

/** Written with the service's own commands, in their transaction. */
export interface OwnProjection {
  /** The aggregate's category: `deployment.Endpoint`. */
  readonly category: string;
  readonly consumer?: never;
  /** Tables of the service's schema that hold nothing but what projections say. */
  readonly tables: readonly string[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- its events are those of the category; the handler's type says which
  readonly project: Project<ViewTransaction, any>;
}

/** Written by a consumer of the service: with it, before it reacts. */
export interface FollowedProjection {
  /** The consumer's name: its bookmark says how far the views are. */
  readonly consumer: string;
  readonly category?: never;
  readonly tables: readonly string[];
  readonly project: (tx: ViewTransaction, event: RecordedEvent) => Promise<void>;
}

export const tablesOf = (projections: readonly Projection[]): readonly string[] => [...new Set(projections.flatMap(({ tables }) => tables))];

/** The consumers whose views are rebuilt. */
export const consumersOf = (projections: readonly Projection[]): readonly string[] =>
  projections.flatMap((projection) => (projection.consumer === undefined ? [] : [projection.consumer]));

/**
 * Applies one event as the service did.
 * @param taken whether a consumer has taken the event. One without an index cannot have been.
 */
export async function projectEvent(projections: readonly Projection[], tx: ViewTransaction, event: RecordedEvent, taken: (consumer: string) => boolean): Promise<void> {
  for (const projection of projections) {
    if (projection.category !== undefined) {
      if (event.stream.startsWith(`${projection.category}-`)) await projection.project(tx, [event]);
    } else if (taken(projection.consumer)) {
      await projection.project(tx, event);
    }
  }
}
