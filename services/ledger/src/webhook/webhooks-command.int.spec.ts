import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Webhook } from 'standardwebhooks';
import { ledger } from '../app.module.ts';

// The command `vitae webhooks` as a process of its own, against this service behind a door like the front one.

let database: FreshDatabase, nats: FreshNats, directory: string, service: Running, door: Server, receiver: Server;
const got: { headers: Record<string, string>; body: string }[] = [];

const listening = async (listener: RequestListener): Promise<Server> => {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
};
const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const bodyOf = async (request: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

beforeAll(async () => {
  [database, nats, directory] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-webhook-command-'))]);
  service = await boot(ledger, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, LOG_LEVEL: 'silent', VITAE_DATA_DIR: directory, VITAE_WEBHOOK_ALLOW_PRIVATE: 'true' });
  door = await listening(async (request, response) => {
    const body = await bodyOf(request);
    const { host: _host, connection: _connection, 'content-length': _length, 'transfer-encoding': _coding, ...headers } = request.headers as Record<string, string>;
    const answer = await fetch(`${service.url}${request.url?.replace(/^\/api\/ledger/, '')}`, { method: request.method ?? 'GET', headers: { authorization: as('human/dana'), ...headers }, ...(body === '' ? {} : { body }) });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(await answer.text());
  });
  receiver = await listening(async (request, response) => {
    got.push({ headers: request.headers as Record<string, string>, body: await bodyOf(request) });
    response.writeHead(204).end();
  });
});
afterAll(async () => {
  await service.stop();
  for (const server of [door, receiver]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await Promise.all([nats.drop(), database.drop(), rm(directory, { recursive: true, force: true })]);
});

function vitae(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('../../../../libs/cli/src/main.ts', import.meta.url));
  const env = { PATH: process.env['PATH'], VITAE_URL: `${urlOf(door)}/api`, VITAE_TOKEN: as('human/dana').replace('Bearer ', '') };
  return new Promise((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=@vitae/source', main, 'webhooks', ...args, '--project', 'credit'], { env, cwd: directory }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

describe('vitae webhooks', () => {
  it('subscribes, lists, shows what was sent, and sends it again', async () => {
    expect(await vitae('list')).toMatchObject({ code: 0, stdout: 'project credit has no webhooks\n' });
    const created = JSON.parse((await vitae('create', urlOf(receiver), '--type', 'vitae.ledger.v1.*', '--subject', 'webhook:*', '--json')).stdout) as { id: string; secret: string };
    const other = await vitae('create', `${urlOf(receiver)}/other`, '--subject', 'model:*');
    expect(other.stdout).toMatch(/^webhook [0-9a-f-]{36}\nsecret {2}whsec_.+\nKeep the secret now/);

    // The first webhook is told that there is a second one.
    await eventually(() => expect(got).toHaveLength(1));
    const event = new Webhook(created.secret).verify(got[0]?.body ?? '', got[0]?.headers ?? {}) as { type: string; index: string };
    expect(event.type).toBe('vitae.ledger.v1.WebhookSubscribed');
    await eventually(async () => expect((await vitae('deliveries', created.id, '--state', 'delivered')).stdout).toMatch(new RegExp(`^ +${event.index} {2}delivered +1x {2}\\S+Z {2}204 in \\d+ ms {2}${event.type}\n$`)));
    expect((await vitae('list')).stdout.split('\n')[0]).toBe(`${created.id}  active  ${urlOf(receiver)}  0 waiting, 0 given up`);

    expect(await vitae('replay', created.id, '--from', '0')).toMatchObject({ code: 0, stdout: '1 events would be sent again; add --yes to send them\n' });
    expect(await vitae('replay', created.id, '--from', '0', '--yes')).toMatchObject({ code: 0, stdout: '1 events are sent again\n' });
    await eventually(() => expect(got.map(({ headers }) => headers['webhook-id'])).toEqual([got[0]?.headers['webhook-id'], got[0]?.headers['webhook-id']]));
    expect(await vitae('replay', created.id, '--event', event.index)).toMatchObject({ code: 0, stdout: `event ${event.index} is sent again\n` });
    await eventually(() => expect(got).toHaveLength(3));
  });

  it('says what was wrong', async () => {
    expect(await vitae('replay', '01990000-0000-7000-8000-000000000001')).toMatchObject({ code: 2, stderr: expect.stringContaining('say which events') });
    expect(await vitae('deliveries', '01990000-0000-7000-8000-000000000001')).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no webhook') });
    expect(await vitae('create', 'https://127.1/')).toMatchObject({ code: 1, stderr: expect.stringContaining('means 127.0.0.1') });
  });
});
