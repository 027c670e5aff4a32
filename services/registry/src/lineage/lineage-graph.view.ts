import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Sql } from '@vitae/event-store';
import { sqlOf } from '@vitae/service-kit';
import { heldThen, type AsOf } from './as-of.ts';
import type { DrawnEdge, DrawnGraph, DrawnNode } from './graph.ts';
import { keyOf } from './lineage.view.ts';
import { written, type Kind, type Node } from './node.ts';

export interface GraphQuery {
  readonly node: Node;
  readonly direction: 'up' | 'down' | 'both';
  readonly depth: number;
  readonly asOf?: AsOf;
  /** Which nodes are told, beside the one asked about; the way leads through all. Empty: every kind. */
  readonly kinds: readonly Kind[];
  readonly limit: number;
}

/** So many edges between `limit` nodes are told. */
const EDGES_A_NODE = 8;

/** Questions about what came from what, each within one project. */
@Injectable()
export class LineageGraph {
  constructor(private readonly em: EntityManager) {}

  /** What leads to a node, or follows from it. Undefined: nothing was known of it then. */
  async around(projectId: string, { node, direction, depth, asOf, kinds, limit }: GraphQuery): Promise<DrawnGraph | undefined> {
    const sql = sqlOf(this.em.fork());
    const start = keyOf(projectId, node);
    const found = new Map<string, number>([[start, 0]]);
    let truncated = false;
    for (const way of ['up', 'down'] as const) {
      if (direction !== 'both' && direction !== way) continue;
      const reached = await walk(sql, start, way, depth, asOf, limit);
      truncated ||= reached.length > limit || Number(reached[0]?.rows ?? 0) > limit * 4;
      for (const { key, steps } of reached.slice(0, limit)) if (!found.has(key)) found.set(key, way === 'up' ? -steps : steps);
    }
    const nodes = (await nodesOf(sql, [...found.keys()], asOf)).map((one) => ({ ...one, distance: found.get(one.key) ?? 0 }));
    if (!nodes.some(({ key }) => key === start)) return undefined;
    const told = nodes.filter(({ key, kind }) => key === start || kinds.length === 0 || kinds.includes(kind));
    const edges = await edgesAmong(sql, told, asOf, limit * EDGES_A_NODE + 1);
    return {
      nodes: told.sort((a, b) => a.distance - b.distance || (a.node < b.node ? -1 : 1)).map(({ key: _, ...shown }) => shown),
      edges: edges.slice(0, limit * EDGES_A_NODE),
      truncated: truncated || edges.length > limit * EDGES_A_NODE,
    };
  }

  /** One shortest way of the work between two nodes; empty when there is none. */
  async path(projectId: string, from: Node, to: Node, asOf: AsOf): Promise<Omit<DrawnGraph, 'truncated'>> {
    const sql = sqlOf(this.em.fork());
    const keys = await pathBetween(sql, keyOf(projectId, from), keyOf(projectId, to), asOf);
    const nodes = (await nodesOf(sql, keys, asOf)).map((node) => ({ ...node, distance: keys.indexOf(node.key) }));
    const among = await edgesAmong(sql, nodes, asOf, 1_000);
    const place = new Map(nodes.map(({ node, distance }) => [node, distance]));
    return {
      nodes: nodes.sort((a, b) => a.distance - b.distance).map(({ key: _, ...shown }) => shown),
      edges: among.filter((edge) => place.get(edge.to) === (place.get(edge.from) ?? 0) + 1),
    };
  }
}

type Keyed = Omit<DrawnNode, 'distance'> & { readonly key: string; readonly kind: Kind };

/**
 * The nodes that edges lead to in one direction, the nearest first, one more than the limit. `union` drops what a step found
 * before and the depth ends it, so that circles (a table that a run both reads and writes) do no harm.
 */
async function walk(sql: Sql, start: string, way: 'up' | 'down', depth: number, asOf: AsOf, limit: number): Promise<{ readonly key: string; readonly steps: number; readonly rows: string }[]> {
  const [here, there] = way === 'down' ? ['from_key', 'to_key'] : ['to_key', 'from_key'];
  const { condition, values } = heldThen('e', asOf, '$4');
  // A node is found once for each of its distances. The limit inside stops the recursion, the one outside counts nodes.
  return sql.query(
    `with recursive walk (key, steps) as (
       select $1::uuid, 0
       union
       select e.${there}, w.steps + 1 from walk w join registry.lineage_edge e on e.${here} = w.key where w.steps < $2 and ${condition}
     )
     , reached as materialized (select key, steps from walk offset 1 limit $3::bigint * 4 + 1)
     select key, min(steps) as steps, (select count(*) from reached) as rows from reached where key <> $1::uuid group by key order by 2, 1 limit $3::bigint + 1`,
    [start, depth, limit, ...values],
  );
}

async function nodesOf(sql: Sql, keys: readonly string[], asOf: AsOf): Promise<Keyed[]> {
  const { condition, values } = heldThen('n', asOf, '$2');
  const rows = await sql.query<{ key: string; kind: Kind; id: string; label: string; state: string } & Held>(
    `select n.key, n.kind, n.id, n.label, n.state, ${HELD('n')} from registry.lineage_node n where n.key = any ($1::uuid[]) and ${condition}`,
    [keys, ...values],
  );
  return rows.map(({ key, kind, id, label, state, ...row }) => ({ key, node: written({ kind, id }), kind, id, label, ...(state === '' ? {} : { state }), ...held(row) }));
}

async function edgesAmong(sql: Sql, nodes: readonly Keyed[], asOf: AsOf, limit: number): Promise<DrawnEdge[]> {
  const { condition, values } = heldThen('e', asOf, '$3');
  const names = new Map(nodes.map(({ key, node }) => [key, node]));
  const rows = await sql.query<{ from_key: string; to_key: string; relation: string; link_id: string | null } & Held>(
    // Joined, for two lists in one index condition are looked up pair by pair.
    `with told as materialized (select unnest($1::uuid[]) as key)
     select e.from_key, e.to_key, e.relation, e.link_id, ${HELD('e')} from told f join registry.lineage_edge e on e.from_key = f.key join told t on t.key = e.to_key
     where ${condition} order by e.since_at, e.since_event, e.from_key, e.to_key limit $2`,
    [[...names.keys()], limit, ...values],
  );
  return rows.map(({ from_key, to_key, relation, link_id, ...row }) => ({ from: names.get(from_key) ?? '', to: names.get(to_key) ?? '', relation, ...(link_id ? { linkId: link_id } : {}), ...held(row) }));
}

interface Held {
  readonly since: string;
  readonly sinceindex: string | null;
  readonly eventid: string;
  readonly until: string | null;
  readonly untilindex: string | null;
  readonly untileventid: string | null;
}

const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const HELD = (alias: string): string =>
  `${utc(`${alias}.since_at`)} as since, ${alias}.since_index as sinceindex, ${alias}.since_event as eventid, ${utc(`${alias}.until_at`)} as until, ${alias}.until_index as untilindex, ${alias}.until_event as untileventid`;

const held = ({ since, sinceindex, eventid, until, untilindex, untileventid }: Held) => ({
  since,
  ...(sinceindex === null ? {} : { index: Number(sinceindex) }),
  eventId: eventid,
  ...(until === null ? {} : { until, untilEventId: untileventid ?? '', ...(untilindex === null ? {} : { untilIndex: Number(untilindex) }) }),
});

/** The keys on one shortest way from one node to another, both included; empty when there is none. */
export const pathBetween = (sql: Sql, from: string, to: string, asOf: AsOf): Promise<string[]> => pathFromOneOf(sql, [from], [to], asOf);

/**
 * The same from any of some nodes to any of others. Looks upwards from the end, for what something came from is less than what
 * came of it: in one statement whether there is a way at all, and only then, step by step, for the shortest.
 */
export async function pathFromOneOf(sql: Sql, from: readonly string[], to: readonly string[], asOf: AsOf): Promise<string[]> {
  if (!(await leads(sql, from, to, asOf))) return [];
  const wanted = new Set(from);
  const next = new Map<string, string | undefined>(to.map((key) => [key, undefined]));
  const { condition, values } = heldThen('e', asOf, '$2');
  let frontier = [...to];
  let start = to.find((key) => wanted.has(key));
  while (start === undefined && frontier.length > 0) {
    const edges = await sql.query<{ from_key: string; to_key: string }>(`select e.from_key, min(e.to_key::text)::uuid as to_key from registry.lineage_edge e where e.to_key = any ($1::uuid[]) and ${condition} group by e.from_key`, [frontier, ...values]);
    const found = edges.filter(({ from_key }) => !next.has(from_key));
    for (const { from_key, to_key } of found) next.set(from_key, to_key);
    frontier = found.map(({ from_key }) => from_key);
    start = frontier.find((key) => wanted.has(key));
  }
  const way: string[] = [];
  for (let key = start; key !== undefined; key = next.get(key)) way.push(key);
  return way;
}

async function leads(sql: Sql, from: readonly string[], to: readonly string[], asOf: AsOf): Promise<boolean> {
  const { condition, values } = heldThen('e', asOf, '$3');
  const rows = await sql.query(
    `with recursive up (key) as (
       select * from unnest($2::uuid[])
       union
       select e.from_key from up u join registry.lineage_edge e on e.to_key = u.key where ${condition}
     )
     select 1 from up where key = any ($1::uuid[]) limit 1`,
    [from, to, ...values],
  );
  return rows.length > 0;
}

/** `kind:id` of each key in its order; a node that nothing was said of yet is named by itself. */
export async function namesOf(sql: Sql, keys: readonly string[], otherwise: readonly Node[]): Promise<string[]> {
  const rows = await sql.query<{ key: string; name: string }>(`select key, kind || ':' || id as name from registry.lineage_node where key = any ($1::uuid[]) and until_at is null`, [keys]);
  return keys.map((key, place) => rows.find((row) => row.key === key)?.name ?? (otherwise[place] ? written(otherwise[place]) : key));
}
