import type { Kind, Node } from './node.ts';

/**
 * What an event changes in the graph. Edges go the way of the work: from what was there first to what was made with it, and
 * their relation says what the second is to the first (`trained-on`: the version was trained on the dataset version).
 */
export type LineageFact =
  /** The node is there, under this label and in this state; what is left out stays as it was. */
  | { readonly fact: 'node'; readonly node: Node; readonly label?: string; readonly state?: string }
  /** It is again in the state from before it was deleted. */
  | { readonly fact: 'back'; readonly node: Node }
  | { readonly fact: 'edge'; readonly from: Node; readonly to: Node; readonly relation: string; readonly linkId?: string }
  /** From that one of these which is there: an id whose kind the event does not tell. */
  | { readonly fact: 'edge-from-one-of'; readonly from: readonly Node[]; readonly to: Node; readonly relation: string }
  | { readonly fact: 'edge-ends'; readonly from: Node; readonly to: Node; readonly relation: string }
  /** Into `to` leads this relation from exactly these nodes: what else led there ends. */
  | { readonly fact: 'only-edges'; readonly from: readonly Node[]; readonly to: Node; readonly relation: string };

export const node = (kind: Kind, id: string): Node => ({ kind, id });

export const is = (thing: Node, state: string, label?: string): LineageFact => ({ fact: 'node', node: thing, state, ...(label === undefined ? {} : { label }) });

export const edge = (from: Node, to: Node, relation: string): LineageFact => ({ fact: 'edge', from, to, relation });

/** An edge from what an event may leave out. */
export const fromKnown = (kind: Kind, id: string, to: Node, relation: string): LineageFact[] => (id === '' ? [] : [edge(node(kind, id), to, relation)]);
