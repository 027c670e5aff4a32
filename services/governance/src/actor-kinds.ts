import { ActorKindSchema, type ActorKind } from '@vitae/contracts';
import { shortNames } from './short-names.ts';

/** human, machine, system. */
export const actorKinds = shortNames<ActorKind>(ActorKindSchema);
