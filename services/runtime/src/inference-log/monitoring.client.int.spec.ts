import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ServiceToken } from '@vitae/service-kit';
import { eventually } from '@vitae/testing';
import type { RuntimeConfig } from '../config.ts';
import type { LoggedInference } from './cloud-event.ts';
import { InferenceLog } from './monitoring.client.ts';

Logger.overrideLogger(false);

const inference = (ceId: string): LoggedInference => ({
  ceId,
  requestId: ceId,
  endpointName: 'credit',
  endpointId: 'e',
  projectId: 'bank',
  variantId: 'v',
  modelVersionId: 'm',
  contentType: 'application/json',
  source: 'http://localhost:7406/',
  requestedAt: '2026-03-01T10:00:00Z',
  respondedAt: '2026-03-01T10:00:00Z',
});
const delivery = (ceId: string) => ({ inference: inference(ceId), request: Buffer.from('{"a":1}'), response: Buffer.from('{"b":2}'), trace: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` } });

let server: Server;
let log: InferenceLog;
const received: string[] = [];

/** Answers with these statuses, one after the other; then 202. */
async function start(statuses: number[], limits: Partial<RuntimeConfig> = {}): Promise<void> {
  received.length = 0;
  server = createServer((req, res) => {
    req.resume().on('end', () => {
      const status = statuses.shift() ?? 202;
      if (status < 300) received.push(`${String(req.headers['ce-id'])} ${String(req.headers['ce-type']).split('.').at(-1)} ${String(req.headers['traceparent'] !== undefined)}`);
      res.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  log = new InferenceLog({ MONITORING_URL: url, RUNTIME_LOG_QUEUE: 100, RUNTIME_LOG_QUEUE_BYTES: 1_000_000, ...limits } as RuntimeConfig, new ServiceToken({ VITAE_MODE: 'local' }));
}
afterEach(async () => {
  await log.onModuleDestroy();
  server.closeAllConnections();
  server.close();
});

describe('InferenceLog', () => {
  it('sends the request, then its response, with the trace', async () => {
    await start([]);
    log.onApplicationBootstrap();
    log.add(delivery('1'));
    await eventually(() => expect(received).toEqual(['1 request true', '1 response true']));
  });

  it('tries again what monitoring could not take, and goes on behind it', async () => {
    await start([503, 500, 429, 404]);
    log.onApplicationBootstrap();
    log.add(delivery('1'));
    log.add(delivery('2'));
    await eventually(() => expect([...received].sort()).toEqual(['1 request true', '1 response true', '2 request true', '2 response true']));
  });

  it('drops what monitoring refuses for good, and goes on', async () => {
    await start([400]);
    log.onApplicationBootstrap();
    for (const ceId of ['1', '2', '3']) log.add(delivery(ceId));
    await eventually(() => expect(received).toHaveLength(4));
    expect(new Set(received.map((line) => line.split(' ')[0])).size).toBe(2);
  });

  it('holds no more than it was allowed, and keeps the eldest', async () => {
    await start([], { RUNTIME_LOG_QUEUE: 2 });
    for (const ceId of ['1', '2', '3']) log.add(delivery(ceId)); // nothing is sent yet
    log.onApplicationBootstrap();
    await log.onModuleDestroy();
    expect([...received].sort()).toEqual(['1 request true', '1 response true', '2 request true', '2 response true']);
  });

  it('counts the bytes as well', async () => {
    await start([], { RUNTIME_LOG_QUEUE_BYTES: 20 });
    for (const ceId of ['1', '2']) log.add(delivery(ceId));
    log.onApplicationBootstrap();
    await log.onModuleDestroy();
    expect(received).toEqual(['1 request true', '1 response true']);
  });

  it('sends what waits before it stops', async () => {
    await start([]);
    log.onApplicationBootstrap();
    for (let i = 0; i < 20; i += 1) log.add(delivery(String(i)));
    await log.onModuleDestroy();
    expect(received).toHaveLength(40);
  });
});
