import type { CommandContext } from '@vitae/service-kit';

/**
 * Who answers for a command: the person for whom a machine acts, or else whoever acts. Four eyes are counted by it, so that
 * nobody gets a second pair by way of a token, whose name its maker chose.
 */
export const answerable = ({ actor }: Pick<CommandContext, 'actor'>): string => actor.onBehalfOf || actor.id;
