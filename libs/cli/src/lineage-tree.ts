import type { LineageGraph, LineageNode } from '@vitae/client';
import { plain } from './table.ts';

interface Drawing {
  readonly direction: 'up' | 'down';
  /** What is said beside a node. */
  readonly paint: (text: string) => string;
}

/**
 * A graph as a tree, from the node that was asked about. What is reached twice is written out once, and named where it
 * comes again. Nodes whose way was left out of the answer (by kind, or for there were too many) stand at the end.
 */
export function lineageTree({ node: root, nodes, edges }: Pick<LineageGraph, 'node' | 'nodes' | 'edges'>, { direction, paint }: Drawing): string[] {
  const known = new Map(nodes.map((node) => [node.node, node]));
  const next = new Map<string, { readonly node: string; readonly relation: string }[]>();
  for (const { from, to, relation } of edges) {
    const [near, far] = direction === 'down' ? [from, to] : [to, from];
    next.set(near, [...(next.get(near) ?? []), { node: far, relation }]);
  }
  const written = new Set<string>();

  function branch(name: string, relation: string, lead: string, mark: string, below: string): string[] {
    const again = written.has(name);
    written.add(name);
    const children = (next.get(name) ?? []).filter(({ node }) => known.has(node)).sort((a, b) => (a.node < b.node ? -1 : 1));
    const line = `${lead}${mark}${caption(known.get(name), name)}${relation === '' ? '' : `  ${paint(relation)}`}${again && children.length > 0 ? `  ${paint('see above')}` : ''}`;
    if (again) return [line];
    return [line, ...children.flatMap((child, n) => (n === children.length - 1 ? branch(child.node, child.relation, lead + below, '└─ ', '   ') : branch(child.node, child.relation, lead + below, '├─ ', '│  ')))];
  }

  const tree = branch(root, '', '', '', '');
  const apart = nodes.filter(({ node }) => !written.has(node));
  return [...tree, ...apart.map((node) => `${caption(node, node.node)}  ${paint('by a way that is not shown')}`)];
}

function caption(node: LineageNode | undefined, name: string): string {
  if (!node) return plain(name);
  return `${node.kind} ${plain(node.label)}${node.state === undefined ? '' : ` (${node.state})`}${node.until === undefined ? '' : ', ended'}`;
}
