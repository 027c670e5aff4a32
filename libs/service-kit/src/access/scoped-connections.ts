import type { Pool, PoolClient } from 'pg';
import { projectsNow } from './project-scope.ts';

const SET = `select set_config('vitae.projects', $1, $2)`;
const BEGINS = /^\s*(begin|start\s+transaction)\b/i;
/** Of what a transaction was told: nobody can say. */
const UNKNOWN = Symbol();
const GOES_BACK = /^\s*rollback\s+to\b/i;

/** What pg knows and its types do not tell. */
interface Driven {
  /** As the server said last: idle, in a transaction, in one that failed. */
  getTransactionStatus(): 'I' | 'T' | 'E' | null;
  readonly connection: { readonly stream: { destroy(): void } };
}
type Send = (query: unknown, ...rest: unknown[]) => unknown;

/**
 * Has every statement of a pool see the projects of whoever sends it, and no others: its connection is told first, where
 * it was told something else before. What that means to a table is in libs/event-store/migrations/0006-projects.sql.
 *
 *   session   holds until it is set again; set outside of transactions only, so that no rollback takes it back unseen
 *   local     holds until the transaction ends, and goes before the session's
 *
 * A statement follows its setting on the connection with nothing in between, also when several are sent at once. When the
 * connection cannot be told, it is cut before the statement goes out.
 */
export function keepToProjects(pool: Pool): void {
  pool.on('connect', (client) => {
    const driven = client as unknown as Driven;
    const send = client.query.bind(client) as Send;
    let session: string | undefined; // undefined: not known
    let local: string | typeof UNKNOWN | undefined; // undefined: there is none
    const cut = (): void => driven.connection.stream.destroy();
    const tell = (projects: string, inside: boolean): void =>
      void send({ name: 'vitae-projects', text: SET, values: [projects, inside] }, (error: unknown) => void (error && cut()));

    client.query = ((query: unknown, ...rest: unknown[]) => {
      const wanted = projectsNow();
      const text = typeof query === 'string' ? query : '';
      const status = driven.getTransactionStatus();
      if (status === 'T') {
        if (wanted !== (local ?? session)) tell(wanted, true);
        local = GOES_BACK.test(text) ? UNKNOWN : wanted; // perhaps to before it was told
      } else if (status === 'E') {
        local = UNKNOWN; // whatever is asked is refused until it goes back
      } else {
        local = undefined;
        if (wanted !== session && BEGINS.test(text)) {
          local = wanted; // in the same message, which costs nothing
          return send(`${text}; set local vitae.projects = ${client.escapeLiteral(wanted)}`, ...rest);
        }
        if (wanted !== session) tell(wanted, false);
        session = wanted;
      }
      return send(query, ...rest);
    }) as PoolClient['query'];
  });
}
