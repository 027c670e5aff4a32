import { parseArgs } from 'node:util';

export interface StartOptions {
  readonly exit: boolean;
  readonly empty: boolean;
  readonly single: boolean;
  readonly help: boolean;
}

export const usage = `npm start [-- <options>]

Starts Vitae on this machine: PostgreSQL, NATS, an OpenID provider and the seven services. Then runs
one model's whole life through them (the main job), as people who log in, and stays up until Ctrl-C.
Data stays in .data/.

  --exit     stop after the main job; exit status 0 when it went well, 1 when not
  --empty    do not run the main job
  --single   all services in one process (less memory; one fate for all)
  --help     this text

Environment
  DATABASE_URL      use this PostgreSQL 18 instead of starting one; when its user may make roles, each service gets its own
  KEYRING_DATABASE_URL
                    use this database for the keys of people; unless set, one beside the other, named <name>_keys
  NATS_URL          use this NATS server with JetStream instead of starting one
  NATS_SERVER_BIN   the nats-server to start
  OIDC_ISSUER       believe this OpenID issuer instead of starting one. Then these are needed, too:
                    VITAE_GRANTS_FILE, who may what (form: .data/access/grants.json);
                    VITAE_CLIENT_ID and VITAE_CLIENT_SECRET_FILE, the services' client there;
                    and OIDC_AUDIENCE, unless its tokens are for "vitae". The main job is not run:
                    its people are those of the local provider.
  VITAE_PORT_BASE   first port of the suite, 7400 unless set; the OpenID
                    provider takes base + 10, NATS base + 22, PostgreSQL base + 32
  LOG_LEVEL         of the services, whose logs are in .data/logs/
`;

/** @throws with a message for people when an argument is not known or the two contradict each other. */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = (() => {
    try {
      return parseArgs({ args: [...args], options: { exit: flag, empty: flag, single: flag, help: { ...flag, short: 'h' } }, strict: true, allowPositionals: false });
    } catch (cause) {
      throw new Error(`${(cause as Error).message.split('. ')[0]}. \`npm start -- --help\` lists the options.`, { cause });
    }
  })();
  return values;
}
