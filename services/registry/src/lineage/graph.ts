/** Since when something holds, by which event, and until when, if it ended. */
interface Holds {
  readonly since: string;
  /** Of the event in the ledger; absent in the moment before it has one. */
  readonly index?: number;
  readonly eventId: string;
  readonly until?: string;
  readonly untilIndex?: number;
  readonly untilEventId?: string;
}

export interface DrawnNode extends Holds {
  /** `kind:id`, as edges name it. */
  readonly node: string;
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  /** Absent where nothing tells of one: a source, a commit. */
  readonly state?: string;
  /** Steps from the node that was asked about: below 0 upwards, above 0 downwards. */
  readonly distance: number;
}

export interface DrawnEdge extends Holds {
  readonly from: string;
  readonly to: string;
  /** What `to` is to `from`. */
  readonly relation: string;
  /** Of an edge that somebody declared. */
  readonly linkId?: string;
}

/** A part of a project's lineage, as it is answered. */
export interface DrawnGraph {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
  /** Whether there is more than was asked for. */
  readonly truncated: boolean;
}

type Drawing = Pick<DrawnGraph, 'nodes' | 'edges'>;

/** For Graphviz. */
export function toDot({ nodes, edges }: Drawing): string {
  const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replace(/\p{Cc}/gu, ' ')}"`;
  return [
    'digraph lineage {',
    '  rankdir=LR;',
    '  node [shape=box, style=rounded];',
    ...nodes.map((node) => `  ${quoted(node.node)} [label=${quoted(caption(node)).replaceAll(' | ', '\\n')}];`),
    ...edges.map(({ from, to, relation }) => `  ${quoted(from)} -> ${quoted(to)} [label=${quoted(relation)}];`),
    '}',
    '',
  ].join('\n');
}

/** For Mermaid, which Markdown of many forges draws. */
export function toMermaid({ nodes, edges }: Drawing): string {
  // Everything that could be read as a sign becomes its number, as Mermaid has it.
  const quoted = (text: string): string => `"${[...text.replace(/\p{Cc}/gu, ' ')].map((sign) => (/[\p{L}\p{N} .,:/_@+…-]/u.test(sign) ? sign : `#${sign.codePointAt(0)};`)).join('')}"`;
  const names = new Map(nodes.map(({ node }, place) => [node, `n${place}`]));
  return [
    'flowchart LR',
    ...nodes.map((node) => `  ${names.get(node.node)}[${quoted(caption(node)).replaceAll(' #124; ', '<br/>')}]`),
    ...edges.map(({ from, to, relation }) => `  ${names.get(from)} -->|${quoted(relation)}| ${names.get(to)}`),
    '',
  ].join('\n');
}

const caption = ({ kind, label, state }: DrawnNode): string => [kind, label.replaceAll(' | ', ' / '), ...(state === undefined ? [] : [state])].join(' | ');
