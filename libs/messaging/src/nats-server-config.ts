import { rightsOfAuditor, rightsOfService, serviceConsumers, type ConnectedService, type NatsRights } from './nats-rights.ts';

/** A login of the server: the public half of its nkey, and what it may do. */
export interface NatsLogin {
  readonly name: string;
  /** Starts with `U`. The seed stays with who logs in. */
  readonly publicKey: string;
  readonly rights: NatsRights;
}

/** The logins of a suite: one for each service that connects, and one that only looks. */
export const suiteLogins = [...(Object.keys(serviceConsumers) as ConnectedService[]), 'auditor'] as const;
export type SuiteLogin = (typeof suiteLogins)[number];

export const rightsOf = (login: SuiteLogin): NatsRights => (login === 'auditor' ? rightsOfAuditor() : rightsOfService(login));

/**
 * The part of a server's configuration that says who may come in: one account with JetStream, its logins, and what each may
 * do. Nobody comes in without a login (there is no `no_auth_user`), and nothing is allowed that is not listed.
 */
export function accountsConfig(logins: readonly NatsLogin[]): string {
  const users = logins.map(
    ({ name, publicKey, rights }) => `      # ${name}
      { nkey: ${publicKey}, permissions: {
          publish: { allow: ${list(rights.publish)} }
          subscribe: { allow: ${list(rights.subscribe)} }
      } }`,
  );
  return `accounts {
  VITAE {
    jetstream: enabled
    users: [
${users.join('\n')}
    ]
  }
}
`;
}

/** To NATS an empty list forbids nothing, so who may do nothing is allowed a subject that nobody uses. */
const list = (subjects: readonly string[]): string => `[${(subjects.length > 0 ? subjects : ['_NOTHING']).map((subject) => JSON.stringify(subject)).join(', ')}]`;
