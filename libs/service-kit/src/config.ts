import { z } from 'zod';

/** Injection token of the parsed configuration: `constructor(@Inject(CONFIG) private readonly config: RegistryConfig)`. */
export const CONFIG = Symbol('vitae.config');

/**
 * A TCP port, 0 to 65535; 0 lets the operating system choose. Give it a default with `port(7401)`.
 * Environment variables are strings, hence the pattern: `z.coerce.number()` would take an empty string for 0.
 */
export const port = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/)
    .refine((text) => Number(text) <= 65_535)
    .transform(Number)
    .prefault(String(fallback))
    .describe('a port number from 0 to 65535');

/** An http or https address without a trailing slash, e.g. of another service: `REGISTRY_URL: httpUrl('http://127.0.0.1:7401')`. */
export const httpUrl = (fallback: string) =>
  z
    .url({ protocol: /^https?$/ })
    .transform((text) => text.replace(/\/+$/, ''))
    .prefault(fallback)
    .describe('an http:// or https:// address');

/** A whole number from `least` to `most`, written in digits. */
export const wholeNumber = (fallback: number, least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most)
    .prefault(String(fallback))
    .describe(`a whole number from ${least} to ${most}`);

/**
 * What every service reads from its environment. A service extends it:
 * `export const registryConfig = baseConfig.extend({ PORT: port(7401) })`.
 * Every variable SHOULD have a `.describe(...)`: it is what the message about a bad value says was expected.
 */
export const baseConfig = z.object({
  PORT: port(0),
  HOST: z.string().min(1).default('127.0.0.1').describe('an address to listen on, such as 127.0.0.1 or 0.0.0.0'),
  /** The service speaks HTTPS with these; absent, somebody before it does. They are read again when they change. */
  HTTPS_CERT_FILE: z.string().min(1).optional().describe('a file with a certificate and its chain, in PEM'),
  HTTPS_KEY_FILE: z.string().min(1).optional().describe('the file with the key of that certificate, in PEM'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('a PostgreSQL address such as postgresql://user:password@127.0.0.1:7432/vitae'),
  /** `check` for a service whose login may not change schemas: somebody else applies the migrations before it starts. */
  VITAE_MIGRATIONS: z.enum(['apply', 'check']).default('apply').describe('apply or check'),
  /** The keys of people, in a database of their own. With it and the next one, what people write is stored sealed. */
  KEYRING_DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('a PostgreSQL address such as postgresql://user:password@127.0.0.1:7432/vitae_keys'),
  /** Wraps those keys. Made on a first start in local mode; elsewhere somebody puts it there. */
  VITAE_TENANT_KEY_FILE: z.string().min(1).optional().describe('the file with the tenant key'),
  /** Connections of this service. Seven services share a server's 100. */
  DATABASE_POOL_SIZE: wholeNumber(5, 1, 100),
  NATS_URL: z
    .url({ protocol: /^(nats|tls|wss?)$/ })
    .optional()
    .describe('a NATS address such as nats://127.0.0.1:7422'),
  /** Who the service is at NATS; the server's configuration says what that one may do. */
  NATS_NKEY_FILE: z.string().min(1).optional().describe('the file with the seed of the service\'s nkey'),
  /** TLS, with `tls://` in NATS_URL: whom to believe (default: what the system believes), and who we are, where the server asks. */
  NATS_CA_FILE: z.string().min(1).optional().describe('a file with certificates of authorities, in PEM'),
  NATS_CERT_FILE: z.string().min(1).optional().describe('a file with a client certificate, in PEM'),
  NATS_KEY_FILE: z.string().min(1).optional().describe('the file with the key of that certificate, in PEM'),
  /** `local` takes an issuer without TLS and runs without a keyring; so it is never the default. */
  VITAE_MODE: z.enum(['local', 'cluster']).default('cluster').describe('local or cluster'),
  VITAE_DATA_DIR: z.string().min(1).default('.data').describe('a directory for bytes on disk'),
  /** Of a request's body something has to arrive in each span of so many seconds. */
  VITAE_BODY_STALL_SECONDS: wholeNumber(60, 1, 3_600),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('one of trace, debug, info, warn, error, fatal, silent'),
  /** Whose tokens are believed. Over https, but in local mode. */
  OIDC_ISSUER: z.url({ protocol: /^https?$/ }).optional().describe('the address of an OpenID Connect issuer, with https'),
  OIDC_AUDIENCE: z.string().min(1).optional().describe('the audience that this suite accepts in tokens'),
  /** How often one caller may ask within a minute, over all replicas; a project ten times as often. 0: as often as they like. */
  VITAE_RATE_LIMIT_PER_MINUTE: wholeNumber(60_000, 0, 100_000_000),
  /** Who has what role where. Read again when it changes. */
  VITAE_GRANTS_FILE: z.string().min(1).optional().describe('a JSON file with the grants of roles'),
  /** Who checks API tokens for services without a database. */
  GOVERNANCE_URL: httpUrl('http://127.0.0.1:7402'),
  /** Who the service is when it calls another one: a client at the issuer, or a token that somebody else renews. */
  VITAE_CLIENT_ID: z.string().min(1).optional().describe('the id of this service\'s client at the issuer'),
  VITAE_CLIENT_SECRET_FILE: z.string().min(1).optional().describe('the file with the secret of that client'),
  VITAE_SERVICE_TOKEN_FILE: z.string().min(1).optional().describe('a file with a token that this service shows to others, such as a projected one of Kubernetes'),
  /** Kubernetes says who a pod is: by tokens of its issuer, or by a review of each token. */
  VITAE_WORKLOAD_ISSUER: z.url({ protocol: /^https?$/ }).optional().describe('the address of the issuer of service account tokens'),
  VITAE_WORKLOAD_AUDIENCE: z.string().min(1).optional().describe('the audience that this suite accepts in service account tokens'),
  VITAE_TOKEN_REVIEW_URL: z.url({ protocol: /^https?$/ }).optional().describe('the address of the TokenReview API, such as https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews'),
  /** For both, where the cluster has an authority of its own and wants to know who asks. */
  VITAE_WORKLOAD_CA_FILE: z.string().min(1).optional().describe('a file with certificates of authorities, in PEM'),
  VITAE_WORKLOAD_TOKEN_FILE: z.string().min(1).optional().describe('the file with this pod\'s own token for the API server'),
});
export type BaseConfig = z.infer<typeof baseConfig>;

/** One or more settings are wrong. The message names them all and never shows a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses the environment once. An empty variable counts as absent.
 * @throws ConfigError naming each wrong variable, what it held and what is expected.
 */
export function parseConfig<C extends BaseConfig>(
  service: string,
  schema: z.ZodType<C>,
  env: NodeJS.ProcessEnv,
  needs: { readonly database: boolean; readonly broker: boolean; readonly services?: boolean; readonly grants?: boolean } = { database: false, broker: false },
): C {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = schema.safeParse(given);
  const problems = new Map<string, string>();
  for (const issue of parsed.error?.issues ?? []) {
    const variable = String(issue.path[0] ?? '');
    if (!problems.has(variable)) problems.set(variable, wrong(variable, given[variable], expectation(schema, variable) ?? issue.message));
  }
  // Rules between variables. They read the raw environment, so that they are reported together with the rest.
  const missing = (variable: keyof BaseConfig, why: string) => {
    if (given[variable] === undefined) problems.set(variable, `${wrong(variable, undefined, expectation(baseConfig, variable) ?? '')} (${why})`);
  };
  if (needs.database) missing('DATABASE_URL', `${service} keeps its data in PostgreSQL`);
  const keyring = ['KEYRING_DATABASE_URL', 'VITAE_TENANT_KEY_FILE'] as const;
  if (keyring.some((variable) => given[variable] !== undefined)) for (const variable of keyring) missing(variable, 'keys and tenant key come together');
  if (needs.broker) missing('NATS_URL', `${service} talks to the other services over NATS`);
  for (const pair of [['NATS_CERT_FILE', 'NATS_KEY_FILE'], ['HTTPS_CERT_FILE', 'HTTPS_KEY_FILE']] as const) {
    if (pair.some((variable) => given[variable] !== undefined)) for (const variable of pair) missing(variable, 'certificate and key come together');
  }
  for (const variable of ['OIDC_ISSUER', 'OIDC_AUDIENCE'] as const) missing(variable, 'nobody gets in who is not known');
  if (needs.grants !== false) missing('VITAE_GRANTS_FILE', 'nobody may do what nobody was granted');
  if (given['VITAE_CLIENT_ID'] !== undefined) missing('VITAE_CLIENT_SECRET_FILE', 'a client has an id and a secret, at the issuer');
  if (given['VITAE_CLIENT_SECRET_FILE'] !== undefined && parsed.data?.VITAE_CLIENT_ID === undefined) {
    missing('VITAE_CLIENT_ID', 'a client has an id and a secret, at the issuer');
  }
  if (given['VITAE_WORKLOAD_ISSUER'] !== undefined || given['VITAE_TOKEN_REVIEW_URL'] !== undefined) missing('VITAE_WORKLOAD_AUDIENCE', 'a token that was made for somebody else must not count here');
  if ((given['VITAE_MODE'] ?? 'cluster') === 'cluster') {
    const why = given['VITAE_MODE'] === undefined ? 'VITAE_MODE is not set, which means cluster; set VITAE_MODE=local on one machine' : 'VITAE_MODE is cluster';
    const issuer = given['OIDC_ISSUER'];
    if (issuer?.startsWith('http:')) problems.set('OIDC_ISSUER', `${wrong('OIDC_ISSUER', issuer, expectation(baseConfig, 'OIDC_ISSUER') ?? '')} (${why})`);
    if (needs.broker && !/^\w+:\/\/[^/@]+@/.test(given['NATS_URL'] ?? '')) missing('NATS_NKEY_FILE', `${why.split(',')[0]}, and NATS_URL names no user: who needs no login may publish anything`);
    if (needs.services && given['VITAE_SERVICE_TOKEN_FILE'] === undefined) missing('VITAE_CLIENT_ID', `${why.split(',')[0]}, and ${service} calls other services; VITAE_SERVICE_TOKEN_FILE does as well`);
    for (const variable of ['VITAE_WORKLOAD_ISSUER', 'VITAE_TOKEN_REVIEW_URL'] as const) {
      if (given[variable]?.startsWith('http:')) problems.set(variable, wrong(variable, given[variable], `an https:// address (${why.split(',')[0]})`));
    }
    if (needs.database) for (const variable of keyring) missing(variable, `${why.split(',')[0]}, and what people write is stored sealed`);
  }
  if (problems.size === 0 && parsed.success) return parsed.data;
  const count = problems.size === 1 ? '1 setting is wrong' : `${problems.size} settings are wrong`;
  throw new ConfigError(`${service} cannot start: ${count}.\n${[...problems.values()].map((line) => `  ${line}`).join('\n')}`);
}

function wrong(variable: string, value: string | undefined, expected: string): string {
  const was = value === undefined ? 'is missing' : `is ${shown(variable, value)}`;
  return `${variable} ${was}; expected ${expected}`;
}

/** What may be printed of a value: no secret by name, no password of an address. */
function shown(variable: string, value: string): string {
  if (/SECRET|PASSWORD|TOKEN|HEADERS|(^|_)KEY/.test(variable)) return '(not shown)';
  // Not by `new URL`: the value is wrong, and a broken address with a password in it must not be printed either.
  const withoutPassword = value.replace(/\/\/[^/?#]*@/, '//…@').replace(/((?:password|secret|token)=)[^&]*/gi, '$1…');
  return /[^/]:[^/]*@/.test(withoutPassword) ? '(not shown: it seems to hold a password)' : JSON.stringify(withoutPassword.slice(0, 200));
}

function expectation(schema: z.ZodType, variable: string): string | undefined {
  if (!(schema instanceof z.ZodObject)) return undefined;
  const field: unknown = schema.shape[variable];
  return field instanceof z.ZodType ? field.description : undefined;
}
