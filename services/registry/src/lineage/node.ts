/** Kinds of things that have a past or a future here. What stands after a colon in `kind:id` is all up to the kind. */
export const KINDS = [
  'source', 'dataset', 'dataset-version', 'commit', 'job', 'run', 'logged-model', 'base-model', 'use-case', 'model', 'model-version', 'model-card',
  'guardrail', 'tool', 'ai-system', 'ai-system-version', 'evaluation-suite', 'evaluation', 'comparison', 'decision', 'variant', 'endpoint', 'rollout', 'alert', 'incident', 'retraining', 'retirement',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Node {
  readonly kind: Kind;
  readonly id: string;
}

/** `model-version:0189…`: how a node is written in addresses and answers. */
export const written = ({ kind, id }: Node): string => `${kind}:${id}`;

/** Reads `kind:id`; undefined when it is none, or of no kind that there is. */
export function readNode(text: string): Node | undefined {
  const colon = text.indexOf(':');
  const kind = KINDS.find((each) => each === text.slice(0, colon));
  const id = text.slice(colon + 1).trim();
  return kind && id !== '' ? { kind, id } : undefined;
}

/** What a node is called until something says more of it. */
export const plainLabel = ({ id }: Node): string => (id.length > 120 ? `${id.slice(0, 119)}…` : id);

/** A commit of a repository, as one id. */
export const commitId = (repository: string, commit: string): string => `${repository}@${commit}`;
