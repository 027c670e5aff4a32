import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { baseConfig, ConfigError, httpUrl, parseConfig, port } from './config.ts';

const schema = baseConfig.extend({
  PORT: port(7401),
  GOVERNANCE_URL: httpUrl('http://127.0.0.1:7402'),
  SIGNING_KEY: z.string().length(8).optional().describe('a key of 8 characters'),
});
const known = { OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'vitae', VITAE_GRANTS_FILE: '/vitae/grants.json' };
const local = { VITAE_MODE: 'local', ...known };
const needsAll = { database: true, broker: true };

const messageOf = (env: NodeJS.ProcessEnv, needs?: { database: boolean; broker: boolean }): string => {
  try {
    parseConfig('registry', schema, env, needs);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('the configuration', () => {
  it('has a default for everything that one machine does not need to say', () => {
    expect(parseConfig('registry', schema, local)).toEqual({
      PORT: 7401,
      HOST: '127.0.0.1',
      DATABASE_POOL_SIZE: 5,
      VITAE_MIGRATIONS: 'apply',
      VITAE_MODE: 'local',
      VITAE_BODY_STALL_SECONDS: 60,
      VITAE_RATE_LIMIT_PER_MINUTE: 60_000,
      ...known,
      VITAE_DATA_DIR: '.data',
      LOG_LEVEL: 'info',
      GOVERNANCE_URL: 'http://127.0.0.1:7402',
    });
  });

  it('takes numbers from strings, and an empty variable for an absent one', () => {
    const config = parseConfig('registry', schema, { ...local, PORT: '0', DATABASE_POOL_SIZE: '2', LOG_LEVEL: '', GOVERNANCE_URL: 'https://vitae.example/' });
    expect(config).toMatchObject({ PORT: 0, DATABASE_POOL_SIZE: 2, LOG_LEVEL: 'info', GOVERNANCE_URL: 'https://vitae.example' });
  });

  it('names every wrong variable at once, what it held and what is expected', () => {
    expect(messageOf({ ...local, PORT: 'banana', LOG_LEVEL: 'loud', DATABASE_POOL_SIZE: '0', GOVERNANCE_URL: 'governance:7402' })).toBe(
      [
        'registry cannot start: 4 settings are wrong.',
        '  PORT is "banana"; expected a port number from 0 to 65535',
        '  DATABASE_POOL_SIZE is "0"; expected a whole number from 1 to 100',
        '  LOG_LEVEL is "loud"; expected one of trace, debug, info, warn, error, fatal, silent',
        '  GOVERNANCE_URL is "governance:7402"; expected an http:// or https:// address',
      ].join('\n'),
    );
  });

  it.each(['70000', '-1', '1.5', ' 7401', '7401x'])('refuses the port %j', (PORT) => {
    expect(messageOf({ ...local, PORT })).toContain(`PORT is ${JSON.stringify(PORT)}`);
  });

  it('asks for the database and the broker where a service needs them', () => {
    const message = messageOf(local, needsAll);
    expect(message).toContain('DATABASE_URL is missing; expected a PostgreSQL address such as');
    expect(message).toContain('NATS_URL is missing; expected a NATS address such as');
  });

  it.each([
    'postgresql//vitae:s3cret@db:5432/vitae',
    'mysql://vitae:s3cret@db/vitae',
    'mysql://vitae:s3cret:more@db/vitae',
    'vitae:s3cret@db/vitae',
    'host=db password=s3cret',
  ])('never prints the password of %j', (DATABASE_URL) => {
    const message = messageOf({ ...local, DATABASE_URL }, { database: true, broker: false });
    expect(message).toContain('DATABASE_URL is ');
    expect(message).not.toContain('s3cret');
  });

  it('never prints a value whose name says that it is secret', () => {
    expect(messageOf({ ...local, SIGNING_KEY: 'too long a key' })).toContain('SIGNING_KEY is (not shown); expected a key of 8 characters');
  });

  it.each(['local', 'cluster'])('refuses to run in %s mode without an issuer, an audience and grants', (VITAE_MODE) => {
    const message = messageOf({ VITAE_MODE });
    for (const variable of Object.keys(known)) expect(message).toContain(`${variable} is missing`);
    expect(messageOf({ VITAE_MODE, ...known })).toBe('accepted');
  });

  it('takes an issuer without TLS in local mode only', () => {
    const plain = { ...known, OIDC_ISSUER: 'http://127.0.0.1:7410' };
    expect(messageOf({ VITAE_MODE: 'local', ...plain })).toBe('accepted');
    expect(messageOf({ VITAE_MODE: 'cluster', ...plain })).toContain('OIDC_ISSUER is "http://127.0.0.1:7410"; expected the address of an OpenID Connect issuer, with https (VITAE_MODE is cluster)');
  });

  it('refuses to run outside of local mode where it would come to NATS without a name', () => {
    const cluster = { VITAE_MODE: 'cluster', ...known, NATS_URL: 'tls://nats.example:4222' };
    const needsBroker = { database: false, broker: true };
    expect(messageOf(cluster, needsBroker)).toContain('NATS_NKEY_FILE is missing');
    expect(messageOf({ ...cluster, NATS_NKEY_FILE: '/keys/registry.nk' }, needsBroker)).toBe('accepted');
    expect(messageOf({ ...cluster, NATS_URL: 'tls://registry:s3cret@nats.example:4222' }, needsBroker)).toBe('accepted');
    expect(messageOf({ ...cluster, NATS_NKEY_FILE: '/keys/registry.nk', NATS_CERT_FILE: '/tls/cert.pem' }, needsBroker)).toContain('NATS_KEY_FILE is missing');
  });

  it('refuses to run outside of local mode where it would call other services without a name', () => {
    const cluster = { VITAE_MODE: 'cluster', ...known };
    const calls = { database: false, broker: false, services: true };
    expect(messageOf(cluster, calls)).toContain('VITAE_CLIENT_ID is missing; expected the id of this service\'s client at the issuer (VITAE_MODE is cluster, and registry calls other services; VITAE_SERVICE_TOKEN_FILE does as well)');
    expect(messageOf(local, calls)).toBe('accepted');
    expect(messageOf({ ...cluster, VITAE_SERVICE_TOKEN_FILE: '/var/run/secrets/vitae/token' }, calls)).toBe('accepted');
    expect(messageOf({ ...cluster, VITAE_CLIENT_ID: 'vitae-registry' }, calls)).toContain('VITAE_CLIENT_SECRET_FILE is missing');
    expect(messageOf({ ...cluster, VITAE_CLIENT_ID: 'vitae-registry', VITAE_CLIENT_SECRET_FILE: '/secrets/client' }, calls)).toBe('accepted');
  });

  it('wants an audience for tokens of a cluster, and https to it', () => {
    const cluster = { VITAE_MODE: 'cluster', ...known };
    const review = { VITAE_TOKEN_REVIEW_URL: 'https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews' };
    expect(messageOf({ ...cluster, ...review })).toContain('VITAE_WORKLOAD_AUDIENCE is missing');
    expect(messageOf({ ...cluster, ...review, VITAE_WORKLOAD_AUDIENCE: 'vitae' })).toBe('accepted');
    expect(messageOf({ ...cluster, VITAE_WORKLOAD_ISSUER: 'http://kubernetes.default.svc', VITAE_WORKLOAD_AUDIENCE: 'vitae' })).toContain('VITAE_WORKLOAD_ISSUER is "http://kubernetes.default.svc"; expected an https:// address');
  });

  it('is in cluster mode unless told otherwise, so that nothing is less strict by accident', () => {
    expect(messageOf({ ...known, OIDC_ISSUER: 'http://id.example' })).toContain('VITAE_MODE is not set, which means cluster; set VITAE_MODE=local on one machine');
    expect(messageOf({ VITAE_MODE: 'lokal' })).toContain('VITAE_MODE is "lokal"; expected local or cluster');
  });
});
