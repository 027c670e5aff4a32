import { ActorKind, type Actor } from '@vitae/contracts';

/**
 * The person whose deed something is: the human who did it, or on whose behalf a machine or a service did it.
 * Undefined for a machine that acts for nobody: nobody can be kept from judging for it.
 */
export const personBehind = ({ id, kind, onBehalfOf }: Pick<Actor, 'id' | 'kind' | 'onBehalfOf'>): string | undefined =>
  kind === ActorKind.HUMAN ? id : onBehalfOf || undefined;
