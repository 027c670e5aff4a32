import { createHash } from 'node:crypto';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { LineageFact } from './lineage-fact.ts';
import { lineageOf } from './lineage-of.ts';
import { plainLabel, type Node } from './node.ts';

/** A node's key in the tables, and so in an edge: the same for the same node of a project, now and in a rebuild. */
export function keyOf(projectId: string, { kind, id }: Node): string {
  const hex = createHash('sha256').update(`${projectId}\n${kind}\n${id}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** Streams whose events are in the graph when they are appended: whoever declares next has to see them. */
const OWN = ['registry.LineageLink-', 'registry.OpenLineage-'];

/** Of links and of what tools told, with the append. The index comes later, with the consumer. */
export async function projectToldLineage({ sql }: ViewTransaction, events: readonly RecordedEvent[]): Promise<void> {
  for (const event of events) await new Graph(sql, event, null).apply(lineageOf(event.event));
}

/** Of everything else, as the ledger orders it. */
export async function projectLineage({ sql }: ViewTransaction, event: RecordedEvent): Promise<void> {
  const facts = lineageOf(event.event);
  if (facts.length === 0) return;
  if (OWN.some((category) => event.stream.startsWith(category))) return stampIndex(sql, event);
  await new Graph(sql, event, event.index ?? null).apply(facts);
}

async function stampIndex(sql: Sql, { id, index }: RecordedEvent): Promise<void> {
  for (const table of ['lineage_node', 'lineage_edge']) {
    await sql.query(`update ${table} set since_index = $2 where since_event = $1 and since_index is null`, [id, index]);
    await sql.query(`update ${table} set until_index = $2 where until_event = $1 and until_at is not null and until_index is null`, [id, index]);
  }
}

/**
 * One event's facts on their way into the tables. Events of links and tools are written before others that the ledger has
 * earlier, so what begins twice begins with the earlier one, whichever is written first.
 */
class Graph {
  readonly #since: readonly [string, number | null, string];

  constructor(
    private readonly sql: Sql,
    private readonly recorded: RecordedEvent,
    index: number | null,
  ) {
    this.#since = [recorded.recordedAt, index, recorded.id];
  }

  async apply(facts: readonly LineageFact[]): Promise<void> {
    const mentioned = new Map<string, Node>();
    const edges: { readonly from: string; readonly to: string; readonly relation: string; readonly linkId: string | null }[] = [];
    const key = (node: Node): string => {
      const found = keyOf(this.recorded.projectId, node);
      mentioned.set(found, node);
      return found;
    };
    for (const fact of facts) {
      switch (fact.fact) {
        case 'node':
          if (fact.label === undefined && fact.state === undefined) key(fact.node);
          else await this.#node(fact.node, fact);
          break;
        case 'back':
          await this.#node(fact.node, { state: await this.#stateBeforeDeletion(fact.node) });
          break;
        case 'edge':
          edges.push({ from: key(fact.from), to: key(fact.to), relation: fact.relation, linkId: fact.linkId ?? null });
          break;
        case 'edge-from-one-of': {
          const there = await this.#oneOf(fact.from);
          if (there) edges.push({ from: key(there), to: key(fact.to), relation: fact.relation, linkId: null });
          break;
        }
        case 'edge-ends':
          await this.#end(key(fact.to), fact.relation, 'from_key = $6', key(fact.from));
          break;
        case 'only-edges':
          await this.#end(key(fact.to), fact.relation, 'from_key <> all ($6::uuid[])', fact.from.map((from) => keyOf(this.recorded.projectId, from)));
          for (const from of fact.from) edges.push({ from: key(from), to: key(fact.to), relation: fact.relation, linkId: null });
      }
    }
    await this.#mention([...mentioned]);
    await this.#edges(edges);
  }

  /** From here on the node has this label and state. */
  async #node(node: Node, said: { readonly label?: string; readonly state?: string }): Promise<void> {
    const key = keyOf(this.recorded.projectId, node);
    // What comes with a name is new, nearly always.
    if (said.label !== undefined && (await this.#insert(key, node, said.label, said.state ?? ''))) return;
    const [now] = await this.sql.query<{ label: string; state: string }>('select label, state from lineage_node where key = $1 and until_at is null for update', [key]);
    const label = said.label ?? now?.label ?? plainLabel(node);
    const state = said.state ?? now?.state ?? '';
    if (now && now.label === label && now.state === state) return;
    if (now) await this.sql.query('update lineage_node set until_at = $2, until_index = $3, until_event = $4 where key = $1 and until_at is null', [key, ...this.#since]);
    await this.#insert(key, node, label, state);
  }

  /** Whether the node was not there. */
  async #insert(key: string, { kind, id }: Node, label: string, state: string): Promise<boolean> {
    const rows = await this.sql.query(
      `insert into lineage_node (since_at, since_index, since_event, key, project_id, kind, id, label, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (key) where until_at is null do nothing returning key`,
      [...this.#since, key, this.recorded.projectId, kind, id, label, state],
    );
    return rows.length > 0;
  }

  async #stateBeforeDeletion(node: Node): Promise<string> {
    const rows = await this.sql.query<{ state: string }>(`select state from lineage_node where key = $1 and state <> 'deleted' order by since_at desc, since_event desc limit 1`, [keyOf(this.recorded.projectId, node)]);
    return rows[0]?.state ?? '';
  }

  async #oneOf(nodes: readonly Node[]): Promise<Node | undefined> {
    const keys = nodes.map((node) => keyOf(this.recorded.projectId, node));
    const rows = await this.sql.query<{ key: string }>('select key from lineage_node where key = any ($1::uuid[]) and until_at is null', [keys]);
    return nodes.find((_, at) => rows.some(({ key }) => key === keys[at]));
  }

  /** The nodes are there, if they were not yet. */
  async #mention(nodes: readonly (readonly [string, Node])[]): Promise<void> {
    if (nodes.length === 0) return;
    const columns = [nodes.map(([key]) => key), nodes.map(([, { kind }]) => kind), nodes.map(([, { id }]) => id), nodes.map(([, node]) => plainLabel(node))];
    // What an earlier event mentions and a later one described before is there from the earlier one on.
    await this.sql.query(
      `with mentioned as (select * from unnest($5::uuid[], $6::text[], $7::text[], $8::text[]) as m (key, kind, id, label)),
       first as (select f.* from mentioned m cross join lateral (select key, since_event, since_at, since_index, label, state from lineage_node n where n.key = m.key order by since_at, since_event limit 1) f),
       sooner as (
         update lineage_node n set since_at = $1, since_index = $2, since_event = $3 from first f join mentioned m on m.key = f.key
         where n.key = f.key and n.since_event = f.since_event and (f.since_at, f.since_event) > ($1::timestamptz, $3::uuid) and f.label = m.label and f.state = ''
       )
       insert into lineage_node (since_at, since_index, since_event, project_id, key, kind, id, label, state, until_at, until_index, until_event)
       select $1::timestamptz, $2::bigint, $3::uuid, $4, m.key, m.kind, m.id, m.label, '', f.since_at, f.since_index, f.since_event from mentioned m left join first f on f.key = m.key
       where f.key is null or ((f.since_at, f.since_event) > ($1::timestamptz, $3::uuid) and not (f.label = m.label and f.state = ''))
       on conflict (key) where until_at is null do update set since_at = excluded.since_at, since_index = excluded.since_index, since_event = excluded.since_event
       where (excluded.since_at, excluded.since_event) < (lineage_node.since_at, lineage_node.since_event) and lineage_node.label = excluded.label and lineage_node.state = ''`,
      [...this.#since, this.recorded.projectId, ...columns],
    );
  }

  async #edges(edges: readonly { readonly from: string; readonly to: string; readonly relation: string; readonly linkId: string | null }[]): Promise<void> {
    const once = [...new Map(edges.map((edge) => [`${edge.from} ${edge.to} ${edge.relation}`, edge])).values()];
    if (once.length === 0) return;
    await this.sql.query(
      `insert into lineage_edge as e (since_at, since_index, since_event, from_key, to_key, relation, link_id)
       select $1::timestamptz, $2::bigint, $3::uuid, * from unnest($4::uuid[], $5::uuid[], $6::text[], $7::uuid[])
       on conflict (from_key, to_key, relation) where until_at is null do update set since_at = excluded.since_at, since_index = excluded.since_index, since_event = excluded.since_event
       where (excluded.since_at, excluded.since_event) < (e.since_at, e.since_event)`,
      [...this.#since, once.map(({ from }) => from), once.map(({ to }) => to), once.map(({ relation }) => relation), once.map(({ linkId }) => linkId)],
    );
  }

  async #end(to: string, relation: string, which: string, value: unknown): Promise<void> {
    await this.sql.query(`update lineage_edge set until_at = $1, until_index = $2, until_event = $3 where to_key = $4 and relation = $5 and ${which} and until_at is null`, [...this.#since, to, relation, value]);
  }
}
