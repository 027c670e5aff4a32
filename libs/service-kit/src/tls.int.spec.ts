import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { startPostgres, type PostgresServer } from '@vitae/local';
import { eventually, freshNats, type FreshNats, specAccess } from '@vitae/testing';
import { baseConfig, boot, Public, sqlOf, type Running, type ServiceDefinition } from './index.ts';
import { renewCertificate } from './served-certificate.ts';

// Everything over TLS: requests come in by HTTPS, and PostgreSQL takes no connection in clear.

const tlsFile = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/tls/${name}`, import.meta.url));

@Controller('ssl')
@Public('a spec')
class SslController {
  constructor(@Inject(EntityManager) private readonly em: EntityManager) {}

  @Get()
  async used(): Promise<{ readonly ssl: boolean }> {
    const [row] = await sqlOf(this.em.fork()).query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    return { ssl: row?.ssl ?? false };
  }
}

@Module({ controllers: [SslController] })
class TlsModule {}

let directory: string, postgres: PostgresServer, nats: FreshNats, env: NodeJS.ProcessEnv;
let definition: ServiceDefinition;
let service: Running | undefined;

const withTls = (url: string, authority: string): string => `${url}?sslmode=verify-full&sslrootcert=${encodeURIComponent(tlsFile(authority))}`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-tls-'));
  const dataDir = join(directory, 'postgres');
  await (await startPostgres({ dataDir, durable: false })).stop(); // makes it
  const { uid, gid } = await stat(dataDir);
  for (const name of ['server.pem', 'server.key.pem']) {
    await copyFile(tlsFile(name), join(dataDir, name));
    await chmod(join(dataDir, name), 0o600);
    await chown(join(dataDir, name), uid, gid);
  }
  await writeFile(join(dataDir, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\nhostnossl all postgres 127.0.0.1/32 scram-sha-256\n');
  postgres = await startPostgres({ dataDir, durable: false, settings: { ssl: 'on', ssl_cert_file: 'server.pem', ssl_key_file: 'server.key.pem' } });
  nats = await freshNats();
  const migrations = join(directory, 'migrations');
  await mkdir(migrations);
  await writeFile(join(migrations, '0001-nothing.sql'), 'create table tls_spec.nothing (id integer);\n');
  definition = { name: 'tls-spec', module: TlsModule, config: baseConfig, database: { schema: 'tls_spec', migrations: pathToFileURL(`${migrations}/`), entities: [] } };
  env = { ...specAccess(), PORT: '0', NATS_URL: nats.url, LOG_LEVEL: 'silent', HTTPS_CERT_FILE: join(directory, 'server.pem'), HTTPS_KEY_FILE: join(directory, 'server.key.pem') };
  await Promise.all(['server.pem', 'server.key.pem'].map((name) => copyFile(tlsFile(name), join(directory, name))));
}, 180_000);
afterAll(async () => {
  await service?.stop();
  await nats?.drop();
  await postgres?.stop('immediate');
  await rm(directory, { recursive: true, force: true });
});

/** An answer, and the name in the certificate that came with it. */
async function ask(url: string, authority: string): Promise<{ readonly body: unknown; readonly headers: NodeJS.Dict<string | string[]>; readonly certificate: string }> {
  const ca = await readFile(tlsFile(authority), 'utf8');
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, agent: false }, (response) => {
      const certificate = (response.socket as import('node:tls').TLSSocket).getPeerCertificate().subject.CN;
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ body: JSON.parse(text) as unknown, headers: response.headers, certificate: String(certificate) }));
    });
    asked.on('error', reject).end();
  });
}

describe('a service over TLS', () => {
  it('answers by HTTPS, says that nothing else will do, and speaks with PostgreSQL over TLS', async () => {
    service = await boot(definition, { ...env, DATABASE_URL: withTls(postgres.url, 'authority.pem') });
    expect(service.url).toMatch(/^https:\/\//);
    const { body, headers, certificate } = await ask(`${service.url}/ssl`, 'authority.pem');
    expect({ body, certificate }).toEqual({ body: { ssl: true }, certificate: 'vitae-spec-server' });
    expect(headers['strict-transport-security']).toContain('max-age=');
    await expect(ask(`${service.url}/ssl`, 'other-authority.pem')).rejects.toThrow(/certificate|issuer/);
    await service.stop();
    service = undefined;
  });

  it('does not start with a PostgreSQL that none of its authorities vouches for', async () => {
    await expect(boot(definition, { ...env, DATABASE_URL: withTls(postgres.url, 'other-authority.pem') })).rejects.toThrow(/certificate|issuer/);
  });

  it('does not start with a certificate and a key that do not fit, and says so without showing them', async () => {
    await expect(boot(definition, { ...env, DATABASE_URL: withTls(postgres.url, 'authority.pem'), HTTPS_KEY_FILE: tlsFile('client.key.pem') })).rejects.toThrow(/^HTTPS_CERT_FILE \(.*\) and HTTPS_KEY_FILE \(.*client\.key\.pem\) are no certificate and its key: /);
    await expect(boot(definition, { ...env, DATABASE_URL: withTls(postgres.url, 'authority.pem'), HTTPS_CERT_FILE: join(directory, 'none.pem') })).rejects.toThrow(/none\.pem.*ENOENT/);
  });

  it('takes over a renewed certificate without a restart, and keeps the last good one', async () => {
    const { createServer } = await import('node:https');
    const settings = { HTTPS_CERT_FILE: join(directory, 'renewed.pem'), HTTPS_KEY_FILE: join(directory, 'renewed.key.pem') };
    const put = async (name: string, at: number): Promise<void> => {
      await copyFile(tlsFile(`${name}.pem`), settings.HTTPS_CERT_FILE);
      await copyFile(tlsFile(`${name}.key.pem`), settings.HTTPS_KEY_FILE);
      for (const file of Object.values(settings)) await utimes(file, at, at);
    };
    await put('server', 1);
    const server = createServer({ cert: await readFile(settings.HTTPS_CERT_FILE), key: await readFile(settings.HTTPS_KEY_FILE) }, (_, response) => response.end('{}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stop = renewCertificate(server, settings, 20);
    const served = async (): Promise<string> => {
      const { connect } = await import('node:tls');
      return new Promise((resolve, reject) => {
        const socket = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on('error', reject);
      });
    };
    try {
      expect(await served()).toBe('vitae-spec-server');
      await put('client', 2);
      await eventually(async () => expect(await served()).toBe('vitae-spec-client'));
      await writeFile(settings.HTTPS_KEY_FILE, 'half a file');
      await put('server', 3);
      await eventually(async () => expect(await served()).toBe('vitae-spec-server'));
    } finally {
      stop();
      server.close();
    }
  });
});
