import { canonicalJson } from '@vitae/contracts';
import { Refused, type RefusalStatus } from '@vitae/event-store';
import { secretIn } from '../prompt/prompt.ts';

// What guardrails and tools have in common: a name, and revisions that never change once they are published.

export type RevisionState = 'draft' | 'active' | 'deprecated' | 'retired';

interface Revision<Content> {
  readonly state: RevisionState;
  readonly content: Content;
  readonly digest: string;
}
export type Revised<Content> = { readonly is: 'none' } | { readonly is: 'named'; readonly id: string; readonly name: string; readonly revisions: ReadonlyMap<number, Revision<Content>> };

export type RevisionCommand<Content> =
  /** `digest` is that of the content as canonical JSON. */
  | { readonly type: 'Draft'; readonly id: string; readonly name: string; readonly content: Content; readonly digest: string }
  | { readonly type: 'Redraft'; readonly content: Content; readonly digest: string }
  | { readonly type: 'Publish' }
  | { readonly type: 'Deprecate' | 'Retire'; readonly number: number; readonly reason: string };

interface Named {
  readonly id: string;
  readonly name: string;
  readonly number: number;
}
/** What happened, before it is put into the words of the one or the other. */
export type RevisionFact<Content> = Named &
  ({ readonly is: 'drafted' | 'published'; readonly content: Content; readonly digest: string } | { readonly is: 'deprecated' | 'retired'; readonly reason: string });

export type RevisionRefusal = 'NOT_FOUND' | 'NAME_TAKEN' | 'REVISION_NOT_FOUND' | 'REVISION_STATE' | 'NOTHING_DRAFTED' | 'HOLDS_SECRET';

/**
 *   none ── Draft ──► draft ── Publish ──► active ── Deprecate ──► deprecated ── Retire ──► retired
 *                     │   ▲                  └───────────── Retire ─────────────────────────►┘
 *                     └───┘ Redraft; once it is published, Redraft begins the next revision
 *
 * @param what it is called in a message: guardrail, tool.
 */
export function decideRevision<Content>(command: RevisionCommand<Content>, state: Revised<Content>, what: string): readonly RevisionFact<Content>[] {
  if (command.type === 'Draft' || command.type === 'Redraft') mustHoldNoSecret(command.content, what);
  if (command.type === 'Draft') {
    const { id, name, content, digest } = command;
    return state.is === 'none' ? [{ is: 'drafted', id, name, number: 1, content, digest }] : [];
  }
  if (state.is === 'none') throw refuse(what, 'NOT_FOUND', `There is no such ${what}. POST …/${what}s drafts one.`, 404);
  const { id, name, revisions } = state;
  const newest = Math.max(...revisions.keys());
  const last = revisions.get(newest);
  switch (command.type) {
    case 'Redraft': {
      const { content, digest } = command;
      if (last?.state === 'draft' && last.digest === digest) return [];
      return [{ is: 'drafted', id, name, number: last?.state === 'draft' ? newest : newest + 1, content, digest }];
    }
    case 'Publish':
      if (last?.state === 'active') return [];
      if (last?.state !== 'draft') throw refuse(what, 'NOTHING_DRAFTED', `Revision ${newest} of ${name} is ${last?.state ?? 'gone'}, and none is drafted behind it. PUT …/draft begins the next one.`);
      return [{ is: 'published', id, name, number: newest, content: last.content, digest: last.digest }];
    default:
      return ended(command, state, what);
  }
}

function ended<Content>({ type, number, reason }: Extract<RevisionCommand<Content>, { readonly number: number }>, { id, name, revisions }: Extract<Revised<Content>, { is: 'named' }>, what: string): readonly RevisionFact<Content>[] {
  const is = type === 'Deprecate' ? 'deprecated' : 'retired';
  const revision = revisions.get(number);
  if (!revision) throw revisionNotFound(what, name, number);
  if (revision.state === is) return [];
  if (revision.state === 'draft') throw refuse(what, 'REVISION_STATE', `Revision ${number} of ${name} is a draft, which nothing uses. Write it anew, or leave it.`);
  if (revision.state === 'retired') throw refuse(what, 'REVISION_STATE', `Revision ${number} of ${name} is retired, which is more than deprecated. Nothing is left to do.`);
  return [{ is, id, name, number, reason }];
}

export function evolveRevision<Content>(state: Revised<Content>, fact: RevisionFact<Content>): Revised<Content> {
  const { id, name, number } = fact;
  const revisions = new Map(state.is === 'none' ? [] : state.revisions);
  if (fact.is === 'drafted' || fact.is === 'published') revisions.set(number, { state: fact.is === 'drafted' ? 'draft' : 'active', content: fact.content, digest: fact.digest });
  else {
    const before = revisions.get(number);
    if (before) revisions.set(number, { ...before, state: fact.is });
  }
  return { is: 'named', id, name, revisions };
}

function mustHoldNoSecret(content: unknown, what: string): void {
  const found = secretIn(canonicalJson(content));
  if (found) throw refuse(what, 'HOLDS_SECRET', `This ${what} holds what looks like ${found}. It would be kept for ever, so nothing was stored: name where the secret is kept, and change it, for it was sent over the wire.`, 422);
}

const refuse = (what: string, reason: RevisionRefusal, message: string, status: RefusalStatus = 409): Refused => new Refused(`${what.toUpperCase()}_${reason}`, message, status);

export const revisedNotFound = (what: string, id: string): Refused => refuse(what, 'NOT_FOUND', `There is no ${what} ${id} in this project. GET …/${what}s lists those that are.`, 404);

export const revisionNotFound = (what: string, name: string, number: number): Refused => refuse(what, 'REVISION_NOT_FOUND', `${name} has no revision ${number}. GET …/${what}s/<id> lists those that it has.`, 404);

export const nameTaken = (what: string, name: string): Refused => refuse(what, 'NAME_TAKEN', `This project has a ${what} named ${name} already. Draft its next revision, or choose another name.`);
