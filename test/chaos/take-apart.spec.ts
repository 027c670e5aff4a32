import { describe, expect, it } from '@jest/globals';
import type { TakeApart } from './cutting-proxy.ts';
import { natsCalls, postgresCalls } from './take-apart.ts';

const typed = (type: string, body: string): Buffer => {
  const bytes = Buffer.from(`${type}....${body}`, 'utf8');
  bytes.writeUInt32BE(bytes.length - 1, 1);
  return bytes;
};
const startup = Buffer.from('....\0\x03\0\0user\0dana\0\0', 'latin1');
startup.writeUInt32BE(startup.length, 0);

/** Fed as it comes from a socket: in pieces of any size. */
function fed(takeApart: TakeApart, bytes: Buffer, piece: number): { readonly names: readonly string[]; readonly bytes: Buffer } {
  const calls = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => takeApart(bytes.subarray(i * piece, (i + 1) * piece))).flat();
  return { names: calls.map(({ name }) => name).filter((name) => name !== ''), bytes: Buffer.concat(calls.map((call) => call.bytes)) };
}

describe.each([1, 7, 10_000])('in pieces of %d bytes', (piece) => {
  it("names PostgreSQL's statements where they are run, and passes every byte on", () => {
    const sent = Buffer.concat([
      startup,
      typed('Q', 'begin\0'),
      typed('P', 'append\0select  ledger.append($1)\0\0\0'),
      typed('B', '\0append\0\0\0'),
      typed('S', ''),
      typed('B', '\0append\0\0\0'),
      typed('P', '\0select 17\0\0\0'),
      typed('B', '\0\0\0\0'),
    ]);
    expect(fed(postgresCalls(), sent, piece)).toEqual({ names: ['begin', 'select ledger.append($1)', 'select ledger.append($1)', 'select 0'], bytes: sent });
  });

  it("names what goes to NATS by its kind, and passes every byte on", () => {
    const sent = Buffer.from('CONNECT {}\r\nPING\r\nSUB _INBOX.a7.* 1\r\nPUB $JS.API.INFO _INBOX.a7.1 0\r\n\r\nHPUB vitae.ledger.credit.x _INBOX.a7.2 12 18\r\nNATS/1.0\r\n\r\nPUB x \r\nUNSUB 1\r\n');
    expect(fed(natsCalls(), sent, piece)).toEqual({ names: ['CONNECT', 'PING', 'SUB _INBOX', 'PUB $JS.API.INFO', 'HPUB vitae.ledger', 'UNSUB'], bytes: sent });
  });
});
