import { z } from 'zod';

/**
 * What is read of a verified token. Groups are where Keycloak, Dex and Entra ID put them; `roles` in a realm of Keycloak's
 * are no groups.
 */
export const claims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(255),
  exp: z.number(),
  iat: z.number().optional(),
  auth_time: z.number().optional(),
  groups: z.array(z.string()).max(2_000).catch([]).default([]),
  name: z.string().max(500).optional().catch(undefined),
  email: z.string().max(500).optional().catch(undefined),
  azp: z.string().optional().catch(undefined),
  client_id: z.string().optional().catch(undefined),
  preferred_username: z.string().optional().catch(undefined),
  idtyp: z.string().optional().catch(undefined),
  gty: z.string().optional().catch(undefined),
});
export type Claims = z.infer<typeof claims>;

/** The client that the token was given to. */
export const clientOf = ({ client_id, azp }: Claims): string | undefined => client_id ?? azp;

/**
 * Whether the token is a client's own (client credentials) and not a person's: by RFC 9068 section 2.2 its subject is then
 * the client; Keycloak has a user `service-account-<client>` instead, Entra ID says `idtyp: app`, Auth0 `gty`.
 */
export function isMachine(said: Claims): boolean {
  const client = clientOf(said);
  return (client !== undefined && (said.sub === client || said.sub === `${client}@clients` || said.preferred_username === `service-account-${client}`)) || said.idtyp === 'app' || said.gty === 'client-credentials';
}

const ACTOR = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** A name as an actor's id may be: `system:serviceaccount:prod:scorer` becomes `prod.scorer`. Undefined when nothing fits. */
export function actorId(name: string): string | undefined {
  const id = name.replace(/^system:serviceaccount:/, '').replaceAll(/[^A-Za-z0-9._@+-]/g, '.');
  return ACTOR.test(id) ? id : undefined;
}
