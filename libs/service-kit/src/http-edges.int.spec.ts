import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Delete, Get, Module, Post, Req } from '@nestjs/common';
import { as, specAccess } from '@vitae/testing';
import type { Request } from 'express';
import { z } from 'zod';
import { baseConfig, boot, Needs, type Running, type ServiceDefinition } from './index.ts';

@Controller('v1/projects/:projectId/things')
@Needs('registry.read')
class ThingsController {
  @Get()
  list() {
    return { did: 'list' };
  }

  @Post()
  add(@Body({ schema: z.strictObject({ name: z.string() }) }) { name }: { name: string }) {
    return { did: 'add', name };
  }

  @Delete()
  remove() {
    return { did: 'remove' };
  }

  @Post('bytes')
  async take(@Req() request: Request) {
    let sizeBytes = 0;
    for await (const chunk of request) sizeBytes += (chunk as Buffer).length;
    return { sizeBytes };
  }
}

@Module({ controllers: [ThingsController] })
class EdgesModule {}

const definition: ServiceDefinition = { name: 'edges-spec', module: EdgesModule, config: baseConfig };
let service: Running;
beforeAll(async () => {
  service = await boot(definition, { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent', VITAE_BODY_STALL_SECONDS: '1' });
});
afterAll(() => service.stop());

const path = '/v1/projects/alpha/things';

/** What comes back for exactly these bytes, until the connection is closed. @param more what is sent afterwards, piece by piece. */
function raw(text: string, more?: { readonly pieces: number; readonly everyMs: number; readonly piece: string }): Promise<string> {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  let answer = '';
  let left = more?.pieces ?? 0;
  socket.setEncoding('latin1').on('data', (data: string) => (answer += data));
  socket.write(text);
  const timer = more && setInterval(() => void (left-- > 0 ? socket.write(more.piece) : clearInterval(timer)), more.everyMs);
  return new Promise((resolve) => {
    socket.on('error', () => undefined); // cut off: what came before is the answer
    socket.once('close', () => {
      clearInterval(timer);
      resolve(answer);
    });
  });
}
const head = (method: string, at: string, ...headers: readonly string[]): string => [`${method} ${at} HTTP/1.1`, 'Host: x', `Authorization: ${as('human/ben')}`, ...headers, '', ''].join('\r\n');
const status = (answer: string): string => answer.slice(9, 12);
const json = ['Content-Type: application/json', 'Connection: close'];

describe('a request that two servers could read differently', () => {
  const smuggled = `${head('DELETE', path, 'Connection: close')}`;
  it.each([
    ['with Content-Length and Transfer-Encoding', head('POST', path, ...json, 'Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${smuggled}`],
    ['with two lengths', head('POST', path, ...json, 'Content-Length: 2', 'Content-Length: 40') + `{}${smuggled}`],
    ['with a length that is no number', head('POST', path, ...json, 'Content-Length: +2') + `{}${smuggled}`],
    ['with an encoding that is not quite chunked', head('POST', path, ...json, 'Transfer-Encoding: xchunked') + `0\r\n\r\n${smuggled}`],
    ['with chunked twice over', head('POST', path, ...json, 'Transfer-Encoding: chunked, identity') + `0\r\n\r\n${smuggled}`],
    ['with a space before the colon', head('POST', path, ...json, 'Transfer-Encoding : chunked') + `0\r\n\r\n${smuggled}`],
    ['with a header that goes on in the next line', head('POST', path, ...json, 'Transfer-Encoding:', ' chunked', 'Content-Length: 3') + `0\r\n\r\n${smuggled}`],
    ['with a chunk whose length is none', head('POST', path, ...json, 'Transfer-Encoding: chunked') + `0x2\r\n{}\r\n0\r\n\r\n${smuggled}`],
    ['with a null in a header', head('POST', path, ...json, 'X-A: a\0b', 'Content-Length: 2') + '{}'],
    ['with lines that end in LF alone', head('POST', path, ...json, 'Transfer-Encoding: chunked').replaceAll('\r\n', '\n') + `0\n\n${smuggled}`],
    ['without a host', `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`],
  ])('%s is refused, and what follows it is not read', async (_name, text) => {
    const answer = await raw(text);
    expect(status(answer)).toBe('400');
    expect(answer).not.toContain('"did"');
  });
});

describe('a method', () => {
  it.each(['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: DELETE'])('is the one of the request, whatever %s says', async (header) => {
    expect(await raw(`${head('POST', `${path}?_method=DELETE`, header, ...json, 'Content-Length: 12')}{"name":"m"}`)).toContain('"did":"add"');
  });

  it.each(['TRACE', 'PROPFIND', 'QUERY'])('that nobody handles is refused and shows nothing of the request: %s', async (method) => {
    const answer = await raw(head(method, path, 'Connection: close', 'Cookie: secret-of-the-browser'));
    expect(status(answer)).toBe('404');
    expect(answer).not.toMatch(/secret-of-the-browser|Bearer ey/);
  });

  it('that opens a tunnel is not answered', async () => expect(await raw(`CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\n\r\n`)).not.toMatch(/^HTTP\/1\.1 2/));
});

describe('what takes too much', () => {
  it('of headers is refused: 431', async () => expect(status(await raw(head('GET', path, `X-Long: ${'x'.repeat(20_000)}`)))).toBe('431'));

  it('of time, because a body stands still, is given up: 408', async () => {
    expect(status(await raw(`${head('POST', path, ...json, 'Content-Length: 500')}{"name":`))).toBe('408');
    expect(status(await raw(`${head('POST', `${path}/bytes`, 'Transfer-Encoding: chunked')}2\r\nab\r\n`))).toBe('408');
  });

  it('is not a body that goes on arriving, however slowly', async () => {
    const answer = await raw(head('POST', `${path}/bytes`, 'Connection: close', 'Content-Length: 25'), { pieces: 25, everyMs: 100, piece: 'x' });
    expect(answer).toContain('{"sizeBytes":25}');
  });
});
