import { createSocket, type Socket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { forbidden } from './address.ts';
import { openPoster, type Poster, type PosterOptions, type Resolve } from './poster.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

interface Receiver {
  readonly port: number;
  readonly hosts: string[];
}

/** A real HTTP server; `hosts` is the Host header of every request that reached it. */
async function receiver(answer: RequestListener, { address = '127.0.0.1', port = 0, tls = false } = {}): Promise<Receiver> {
  const hosts: string[] = [];
  const listener: RequestListener = (request, response) => {
    hosts.push(request.headers.host ?? '');
    answer(request, response);
  };
  const server: Server = tls ? createTlsServer({ key: KEY, cert: CERTIFICATE }, listener) : createServer(listener);
  server.listen(port, address);
  await once(server, 'listening');
  opened.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, hosts };
}

/** A real DNS server for A records: each question for a name takes the next of its answers, the last one again and again. */
async function dns(names: Readonly<Record<string, readonly string[]>>): Promise<{ resolve: Resolve; asked: string[] }> {
  const asked: string[] = [];
  const socket: Socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.').toLowerCase();
    const answers = names[name] ?? [];
    const ip = answers[Math.min(asked.filter((one) => one === name).length, answers.length - 1)];
    asked.push(name);
    const header = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, ip ? 1 : 0, 0, 0, 0, 0]);
    const record = ip ? Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...ip.split('.').map(Number)]) : Buffer.alloc(0);
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), record]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  opened.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return { asked, resolve: async (name) => (await resolver.resolve4(name)).map((address) => ({ address, family: 4 })) };
}

function poster(more: Partial<PosterOptions> = {}): Poster {
  const made = openPoster({ timeoutMs: 5_000, forbidden, ...more });
  opened.push(() => made.close());
  return made;
}
/** For these specs 127.0.0.1 plays the public Internet; every other address of this machine is behind the firewall. */
const only127001 = (address: string): string | undefined => (address === '127.0.0.1' ? undefined : `${address} is not on the public Internet (for this spec)`);
const send = (at: Poster, url: string) => at.post(url, { 'content-type': 'application/json' }, '{}');
const fine: RequestListener = (_request, response) => response.writeHead(204).end();
const failed = (why: string) => ({ type: 'failed', error: expect.stringContaining(why) });

describe('a POST to a stranger', () => {
  it('never reaches a private address, however it is written', async () => {
    const inner = await receiver(fine);
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '127.1', '0x7f000001', '0.0.0.0', '[::1]', '[64:ff9b::7f00:1]']) {
      expect([host, (await send(poster(), `http://${host}:${inner.port}/`)).attempt]).toEqual([host, failed('not on the public Internet')]);
    }
    for (const host of ['169.254.169.254', '10.0.0.1', '[fd00:ec2::254]', '100.64.0.1']) {
      expect([host, (await send(poster(), `http://${host}/`)).attempt]).toEqual([host, failed('not on the public Internet')]);
    }
    expect(inner.hosts).toEqual([]);
  });

  it('never reaches a name that leads to a private address, nor one of which only some addresses do', async () => {
    const inner = await receiver(fine);
    const { resolve } = await dns({ 'inner.example': ['127.0.0.1'] });
    expect((await send(poster({ resolve }), `http://inner.example:${inner.port}/`)).attempt).toEqual(failed('127.0.0.1 is not on the public Internet (loopback)'));
    const both: Resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]);
    expect((await send(poster({ resolve: both, forbidden: only127001 }), `http://both.example:${inner.port}/`)).attempt).toEqual(failed('127.0.0.2 is not on'));
    expect(inner.hosts).toEqual([]);
  });

  it('goes to the address that was checked, though the name means another one a moment later (DNS rebinding)', async () => {
    const outer = await receiver(fine);
    const inner = await receiver(fine, { address: '127.0.0.2', port: outer.port });
    const { resolve, asked } = await dns({ 'rebind.example': ['127.0.0.1', '127.0.0.2'] });
    const url = `http://rebind.example:${outer.port}/`;
    const rebinding = poster({ resolve, forbidden: only127001 });
    expect((await send(rebinding, url)).attempt).toEqual({ type: 'answered', status: 204 });
    // One question for one connection: there was no second answer to be led astray by.
    expect(asked).toEqual(['rebind.example']);
    // A new connection asks anew, hears the private address, and is not made.
    expect((await send(poster({ resolve, forbidden: only127001 }), url)).attempt).toEqual(failed('127.0.0.2 is not on'));
    expect(outer.hosts).toEqual([`rebind.example:${outer.port}`]);
    expect(inner.hosts).toEqual([]);
  });

  it.each(['http://127.0.0.2:PORT/', 'http://169.254.169.254/latest/meta-data/', 'http://[::ffff:10.0.0.1]/', 'file:///etc/passwd', '/elsewhere'])('does not follow a redirect to %s', async (location) => {
    const inner = await receiver(fine, { address: '127.0.0.2' });
    const outer = await receiver((_request, response) => response.writeHead(307, { location: location.replace('PORT', String(inner.port)) }).end());
    const sent = await send(poster({ forbidden: only127001 }), `http://127.0.0.1:${outer.port}/`);
    expect(sent.attempt).toEqual({ type: 'answered', status: 307 });
    expect([outer.hosts.length, inner.hosts]).toEqual([1, []]);
  });

  it('asks no proxy of the environment', async () => {
    const proxy = await receiver(fine);
    const outer = await receiver(fine);
    const before = { ...process.env };
    opened.push(() => Object.assign(process.env, { http_proxy: before['http_proxy'] ?? '', HTTP_PROXY: before['HTTP_PROXY'] ?? '', NODE_USE_ENV_PROXY: before['NODE_USE_ENV_PROXY'] ?? '' }));
    Object.assign(process.env, { http_proxy: `http://127.0.0.1:${proxy.port}`, HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NODE_USE_ENV_PROXY: '1' });
    await send(poster({ forbidden: only127001 }), `http://127.0.0.1:${outer.port}/`);
    expect([outer.hosts.length, proxy.hosts]).toEqual([1, []]);
  });

  it('keeps the name for TLS: the certificate is checked against it, though the address was chosen here', async () => {
    const secure = await receiver(fine, { tls: true });
    const resolve: Resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const trusting = poster({ resolve, forbidden: only127001, ca: CERTIFICATE });
    expect((await send(trusting, `https://receiver.example:${secure.port}/`)).attempt).toEqual({ type: 'answered', status: 204 });
    expect(secure.hosts).toEqual([`receiver.example:${secure.port}`]);
    expect((await send(trusting, `https://other.example:${secure.port}/`)).attempt).toEqual(failed('other.example'));
    expect((await send(poster({ resolve, forbidden: only127001 }), `https://receiver.example:${secure.port}/`)).attempt).toEqual(failed('certificate'));
    expect(secure.hosts).toHaveLength(1);
  });

  it('reads one kilobyte of the answer, of however much', async () => {
    const endless = await receiver((_request, response) => {
      const more = (): boolean => response.write('x'.repeat(65_536)) && more();
      response.writeHead(200).on('drain', more);
      more();
    });
    const sent = await send(poster({ forbidden: only127001 }), `http://127.0.0.1:${endless.port}/`);
    expect(sent).toMatchObject({ attempt: { type: 'answered', status: 200 }, response: 'x'.repeat(1_024) });
  });

  it('gives up on a receiver that says nothing, and on one that never finishes its headers', async () => {
    const silent = await receiver(() => undefined);
    expect((await send(poster({ forbidden: only127001, timeoutMs: 200 }), `http://127.0.0.1:${silent.port}/`)).attempt).toEqual(failed('no answer within 200 ms'));
    const dripping = createTcpServer((socket) => socket.on('error', () => undefined).write('HTTP/1.1 200 OK\r\nx-slow: '));
    dripping.listen(0, '127.0.0.1');
    await once(dripping, 'listening');
    opened.push(() => void dripping.close());
    expect((await send(poster({ forbidden: only127001, timeoutMs: 200 }), `http://127.0.0.1:${(dripping.address() as AddressInfo).port}/`)).attempt).toEqual(failed('no answer within 200 ms'));
  });

  it('tells what Retry-After asked for, and why there was no answer', async () => {
    const busy = await receiver((_request, response) => response.writeHead(503, { 'retry-after': '7' }).end('busy\u0000'));
    expect(await send(poster({ forbidden: only127001 }), `http://127.0.0.1:${busy.port}/`)).toMatchObject({ attempt: { type: 'answered', status: 503, retryAfterMs: 7_000 }, response: 'busy' });
    const gone = await receiver(fine);
    await opened.pop()?.();
    expect((await send(poster({ forbidden: only127001 }), `http://127.0.0.1:${gone.port}/`)).attempt).toEqual(failed('ECONNREFUSED'));
  });
});

/** Of `receiver.example`, made for this spec and good for nothing else; until 2120. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbT3ic3GYWmcB3KLX
tJbFdfqaNSBhRIkF3gmq8v7lypOhRANCAAQBIRYaLoR0kTGibMN1NuOP1hgMjSsg
eysrIacZkqtFvrK29b8RdJJxEKg2foAmuMtpAqn8FLaYKQLFLsOi0OZd
-----END PRIVATE KEY-----
`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdTCCARygAwIBAgIBATAKBggqhkjOPQQDAjAbMRkwFwYDVQQDDBByZWNlaXZl
ci5leGFtcGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAbMRkw
FwYDVQQDDBByZWNlaXZlci5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEASEWGi6EdJExomzDdTbjj9YYDI0rIHsrKyGnGZKrRb6ytvW/EXSScRCoNn6A
JrjLaQKp/BS2mCkCxS7DotDmXaNPME0wGwYDVR0RBBQwEoIQcmVjZWl2ZXIuZXhh
bXBsZTAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBRSAtd+L9kxt1vj67SSEh28
L0BuGjAKBggqhkjOPQQDAgNHADBEAiBBX+E64TQYKFVKUSYoFR7g3fDikrPq83yF
Iz39I10UAwIgfOD8VUrG/A6eSv8JMXYOP3UnxZaTqKJbMdBuebnglEg=
-----END CERTIFICATE-----
`;
