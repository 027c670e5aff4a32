import { actorId, clientOf, type Claims } from './claims.ts';
import { CredentialRefused } from './credential-refused.ts';
import { grantsOf, type GrantsDocument } from './grants.ts';
import type { Principal } from './principal.ts';

/** The account of a person at an issuer, as a verified token tells it. */
export interface Account {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly mail: string;
}

export const accountOf = ({ iss, sub, name, preferred_username, email }: Claims): Account => ({ issuer: iss, subject: sub, name: name ?? preferred_username ?? '', mail: email ?? '' });

/** A person, under a pseudonym: the token's own names go no further. */
export function personOf(said: Claims, pseudonym: string, grants: GrantsDocument): Principal {
  return { kind: 'human', id: pseudonym, onBehalfOf: '', grants: grantsOf(grants, { groups: said.groups }), ...(said.auth_time === undefined ? {} : { authTime: said.auth_time }) };
}

/**
 * A client that acts by itself.
 * @throws CredentialRefused when its name cannot be an actor's.
 */
export function machineOf(said: Claims, grants: GrantsDocument): Principal {
  const client = clientOf(said) ?? said.sub;
  return unattended(client, grantsOf(grants, { groups: said.groups, client }));
}

/** A workload of the cluster: the name of its service account. */
export const workloadOf = (subject: string, grants: GrantsDocument): Principal => unattended(subject, grantsOf(grants, { groups: [], subject }));

function unattended(name: string, grants: Principal['grants']): Principal {
  const id = actorId(name);
  if (id === undefined) throw new CredentialRefused('claims-wrong', 'the name of its client cannot be that of an actor');
  const service = grants.some((grant) => 'role' in grant && grant.role === 'service');
  return { kind: service ? 'service' : 'machine', id, onBehalfOf: '', grants };
}
