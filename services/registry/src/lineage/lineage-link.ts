import { create } from '@bufbuild/protobuf';
import { LineageLinkDeclaredSchema, LineageLinkWithdrawnSchema, type LineageLinkDeclared, type LineageLinkWithdrawn } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import { written, type Kind, type Node } from './node.ts';

/** What may be linked, and what the second then is to the first. Everything else is told by events of its own. */
const RELATIONS: readonly (readonly [Kind, Kind, string])[] = [
  ['source', 'dataset-version', 'taken-from'],
  ['dataset', 'dataset-version', 'taken-from'],
  ['dataset-version', 'dataset-version', 'derived-from'],
  ['model-version', 'dataset-version', 'generated-by'],
  ['run', 'dataset-version', 'made-by'],
  ['commit', 'dataset-version', 'built-from'],
  ['dataset', 'model-version', 'trained-on'],
  ['dataset-version', 'model-version', 'trained-on'],
  ['run', 'model-version', 'made-by'],
  ['commit', 'model-version', 'built-from'],
  ['base-model', 'model-version', 'based-on'],
  ['model-version', 'model-version', 'based-on'],
  ['source', 'run', 'read'],
  ['dataset-version', 'run', 'read'],
  ['model-version', 'run', 'read'],
  ['commit', 'run', 'ran-code'],
];

export type LineageLinkCommand =
  | {
      readonly type: 'DeclareLink';
      readonly linkId: string;
      readonly from: Node;
      readonly to: Node;
      readonly reason: string;
      /** The event that says the same already; absent when none does. */
      readonly recordedBy: string | undefined;
      /** How `to` leads to `from` already, in words; empty when it does not. */
      readonly circle: readonly string[];
    }
  | { readonly type: 'WithdrawLink'; readonly reason: string };

export type LineageLinkEvent = LineageLinkDeclared | LineageLinkWithdrawn;
export type LineageLinkRefusal = 'LINEAGE_KINDS_UNFIT' | 'LINEAGE_CYCLIC' | 'LINEAGE_RECORDED' | 'LINEAGE_WRITTEN_ONCE' | 'LINEAGE_LINK_NOT_FOUND' | 'LINEAGE_NODE_NOT_FOUND';

interface Said {
  readonly linkId: string;
  readonly from: Node;
  readonly to: Node;
  readonly relation: string;
}
/** none ── Declare ──► declared ⇄ withdrawn */
export type LineageLinkState = { readonly is: 'none' } | ({ readonly is: 'declared' | 'withdrawn' } & Said);

/** That one thing came from another, said by a person or a tool, for no event knows it. */
export const lineageLink: Decider<LineageLinkState, LineageLinkCommand, LineageLinkEvent> = {
  category: 'registry.LineageLink',
  initial: { is: 'none' },

  decide(command, state): readonly LineageLinkEvent[] {
    switch (command.type) {
      case 'DeclareLink': {
        const { linkId, from, to, reason, recordedBy, circle } = command;
        if (state.is === 'declared') return [];
        const relation = relationOf(from, to);
        if (recordedBy) throw refuse('LINEAGE_RECORDED', `That ${written(from)} leads to ${written(to)} is recorded already, by event ${recordedBy}. It needs no link.`);
        if (circle.length > 0) {
          throw refuse('LINEAGE_CYCLIC', `${written(from)} cannot lead to ${written(to)}, for it came from it: ${circle.join(' → ')}. Nothing comes from itself; withdraw what is wrong on this way, or turn the link round.`, 422);
        }
        return [create(LineageLinkDeclaredSchema, { linkId, from, to, relation, reason })];
      }
      case 'WithdrawLink': {
        if (state.is === 'none') throw linkNotFound();
        if (state.is === 'withdrawn') return [];
        const { linkId, from, to, relation } = state;
        return [create(LineageLinkWithdrawnSchema, { linkId, from, to, relation, reason: command.reason })];
      }
    }
  },

  evolve(state, event): LineageLinkState {
    switch (event.$typeName) {
      case 'vitae.registry.v1.LineageLinkDeclared': {
        const { linkId, from, to, relation } = event;
        return { is: 'declared', linkId, from: nodeOf(from), to: nodeOf(to), relation };
      }
      case 'vitae.registry.v1.LineageLinkWithdrawn':
        return state.is === 'none' ? state : { ...state, is: 'withdrawn' };
    }
  },
};

/** @throws Refused LINEAGE_KINDS_UNFIT. */
export function relationOf(from: Node, to: Node): string {
  const found = RELATIONS.find(([source, target]) => source === from.kind && target === to.kind);
  if (found) return found[2];
  const fitting = RELATIONS.map(([source, target]) => `${source} → ${target}`).join(', ');
  throw refuse('LINEAGE_KINDS_UNFIT', `A link from a ${from.kind} to a ${to.kind} says nothing that people could tell: either events tell it, or there is no such thing. Links are ${fitting}.`, 422);
}

const nodeOf = (said: { readonly kind: string; readonly id: string } | undefined): Node => ({ kind: (said?.kind ?? 'source') as Kind, id: said?.id ?? '' });

const refuse = (reason: LineageLinkRefusal, message: string, status: RefusalStatus = 409): Refused => new Refused(reason, message, status);

export const linkNotFound = (id = ''): Refused => refuse('LINEAGE_LINK_NOT_FOUND', `There is no ${id === '' ? 'such link' : `link ${id} in this project`}. GET …/lineage/links lists them.`, 404);

export const writtenOnce = (id: string, type: string): Refused =>
  refuse('LINEAGE_WRITTEN_ONCE', `What event ${id} (${type.slice(type.lastIndexOf('.') + 1)}) says of where things came from is written once and cannot be withdrawn. Only links that somebody declared can.`);

export const nodeNotFound = (node: Node): Refused => refuse('LINEAGE_NODE_NOT_FOUND', `Nothing is known of ${written(node)} in this project at that time. Name it as kind:id, as GET …/lineage shows nodes.`, 404);

/** A tool told that something came from itself. */
export const toldCyclic = (circle: readonly string[]): Refused =>
  refuse('LINEAGE_CYCLIC', `The run would make a version come from itself: ${circle.join(' → ')}. A version is written once, so it cannot be read before it was written; send the version that was really read or written.`, 422);
