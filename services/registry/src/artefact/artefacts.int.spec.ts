import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { registry } from '../app.module.ts';
import { CHUNK_BYTES } from './chunk-digests.ts';
import { SESSION_MS } from './upload-session.ts';

const LIMIT = 8 * CHUNK_BYTES;
const BASE = '/v1/projects/credit';

let database: FreshDatabase;
let nats: FreshNats;
let dataDir: string;
let service: Running;

beforeAll(async () => {
  [database, nats, dataDir] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-artefacts-'))]);
  await start();
});

afterAll(async () => {
  await service?.stop();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(dataDir, { recursive: true, force: true })]);
});

async function start(): Promise<void> {
  service = await boot(registry, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, VITAE_MAX_ARTEFACT_BYTES: String(LIMIT), LOG_LEVEL: 'silent' });
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const placeOf = (digest: string, tier = 'artefacts'): string => join(dataDir, tier, 'sha256', digest.slice(7, 9), digest.slice(9));
const filesIn = async (directory: string): Promise<string[]> => (await readdir(join(dataDir, directory), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly problem?: string | undefined;
}

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array | ReadableStream): Promise<Answer> {
  const response = await fetch(`${service.url}${path}`, { method, headers: { authorization: as('human/dana'), ...headers }, ...(body === undefined ? {} : { body, duplex: 'half' }) } as RequestInit);
  const bytes = Buffer.from(await response.arrayBuffer());
  const problem = bytes.length > 0 && response.headers.get('content-type')?.startsWith('application/problem+json') ? (JSON.parse(bytes.toString()).type as string).split('/').at(-1) : undefined;
  return { status: response.status, headers: response.headers, bytes, problem };
}
const told = ({ status, problem }: Answer): [number, string | undefined] => [status, problem];

async function kept(bytes: Uint8Array): Promise<string> {
  expect((await ask('POST', `${BASE}/artefacts`, { 'content-type': 'application/octet-stream' }, bytes)).status).toBe(201);
  return digestOf(bytes);
}
const download = (digest: string, headers: Record<string, string> = {}): Promise<Answer> => ask('GET', `${BASE}/artefacts/${digest}`, headers);

describe('A range of an artefact', () => {
  const bytes = randomBytes(3 * CHUNK_BYTES + 1234);
  let digest: string;
  beforeAll(async () => {
    digest = await kept(bytes);
  });

  it.each([
    ['the first byte', 'bytes=0-0', 0, 0],
    ['the last bytes', 'bytes=-10', bytes.length - 10, bytes.length - 1],
    ['bytes across chunks', `bytes=${CHUNK_BYTES - 1}-${2 * CHUNK_BYTES}`, CHUNK_BYTES - 1, 2 * CHUNK_BYTES],
    ['exactly one chunk', `bytes=${CHUNK_BYTES}-${2 * CHUNK_BYTES - 1}`, CHUNK_BYTES, 2 * CHUNK_BYTES - 1],
    ['all that is left', `bytes=${3 * CHUNK_BYTES + 1}-`, 3 * CHUNK_BYTES + 1, bytes.length - 1],
  ])('is %s', async (_what, range, first, last) => {
    const answer = await download(digest, { range });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/${bytes.length}`);
    expect(answer.headers.get('content-length')).toBe(String(last - first + 1));
    expect(answer.headers.get('etag')).toBe(`"${digest}"`);
    expect(answer.bytes.equals(bytes.subarray(first, last + 1))).toBe(true);
  });

  it('is told to lie beyond the end', async () => {
    const answer = await download(digest, { range: `bytes=${bytes.length}-` });
    expect([...told(answer), answer.headers.get('content-range')]).toEqual([416, 'range-not-satisfiable', `bytes */${bytes.length}`]);
  });

  it('is all of it when If-Range names other bytes, or several ranges are asked for', async () => {
    const asked: Record<string, string>[] = [{ range: 'bytes=0-1', 'if-range': `"${digestOf(Buffer.from('other'))}"` }, { range: 'bytes=0-1,4-5' }];
    for (const headers of asked) {
      const answer = await download(digest, headers);
      expect([answer.status, answer.headers.get('accept-ranges'), answer.bytes.equals(bytes)]).toEqual([200, 'bytes', true]);
    }
    expect((await download(digest, { range: 'bytes=0-1', 'if-range': `"${digest}"` })).status).toBe(206);
  });

  it('is proven as well where the list of chunks was lost, or never made', async () => {
    await rm(`${placeOf(digest)}.chunks`);
    expect((await download(digest, { range: 'bytes=5-9' })).bytes).toEqual(bytes.subarray(5, 10));
    expect(await readFile(`${placeOf(digest)}.chunks`)).toEqual(Buffer.concat([0, 1, 2, 3].map((i) => createHash('sha256').update(bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)).digest())));
  });

  it('never leaves when the disk changed it, while the chunks that are true still do', async () => {
    const decayed = randomBytes(3 * CHUNK_BYTES);
    const name = await kept(decayed);
    const file = await open(placeOf(name), 'r+');
    await file.write(Buffer.from([(decayed[CHUNK_BYTES + 7] ?? 0) ^ 1]), 0, 1, CHUNK_BYTES + 7);
    await file.close();
    await expect(download(name, { range: `bytes=${CHUNK_BYTES}-${CHUNK_BYTES + 3}` })).rejects.toThrow();
    await expect(download(name)).rejects.toThrow();
    expect((await download(name, { range: 'bytes=0-3' })).bytes).toEqual(decayed.subarray(0, 4));
    // Without the list the whole has to be read for it, and that shows the same.
    await rm(`${placeOf(name)}.chunks`);
    expect(told(await download(name, { range: 'bytes=0-3' }))).toEqual([500, 'internal']);
    expect(await filesIn('artefacts/incoming')).toEqual([]);
  });
});

describe('A download', () => {
  it.each([['of all', {}], ['of a range', { range: 'bytes=1000-' }]])('%s arrives true where the reader is slow, and memory was given back behind it', async (_what, headers) => {
    const bytes = randomBytes(LIMIT);
    const digest = await kept(bytes);
    const { hostname, port } = new URL(service.url);
    const asking = httpRequest({ hostname, port, path: `${BASE}/artefacts/${digest}`, headers: { authorization: as('human/dana'), ...headers } }).end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    const hash = createHash('sha256').update(answer.statusCode === 206 ? bytes.subarray(0, 1000) : '');
    for await (const part of answer as AsyncIterable<Buffer>) {
      hash.update(part);
      await new Promise(setImmediate);
    }
    expect(`sha256:${hash.digest('hex')}`).toBe(digest);
  });
});

describe('The directory of the bytes', () => {
  it('gives nothing through a symbolic link that somebody put there', async () => {
    const secret = join(dataDir, 'secret');
    await writeFile(secret, 'the secret');
    const digest = digestOf(Buffer.from('the secret'));
    await mkdir(join(placeOf(digest), '..'), { recursive: true });
    await symlink(secret, placeOf(digest));
    expect(told(await download(digest))).toEqual([404, 'artefact-not-found']);
    // An upload of those bytes replaces the link by the bytes, and leaves what it led to alone.
    await kept(Buffer.from('the secret'));
    expect((await download(digest)).bytes.toString()).toBe('the secret');
    expect(await readFile(secret, 'utf8')).toBe('the secret');
  });

  it('cannot be left by the name of an artefact or of an upload', async () => {
    for (const path of ['artefacts/..%2f..%2fsecret', 'artefacts/sha256:..%2f..%2f..%2fsecret', 'artefacts/%2e%2e%2fsecret']) expect(told(await ask('GET', `${BASE}/${path}`))).toEqual([400, 'invalid-request']);
    expect((await ask('HEAD', `${BASE}/artefact-uploads/..%2f..%2fsecret`, { 'tus-resumable': '1.0.0' })).status).toBe(400);
  });
});

const TUS = { 'tus-resumable': '1.0.0' };
const begin = (sizeBytes: number, headers: Record<string, string> = {}): Promise<Answer> => ask('POST', `${BASE}/artefact-uploads`, { ...TUS, 'upload-length': String(sizeBytes), ...headers });
const piece = (location: string, offset: number, body: Uint8Array | ReadableStream, headers: Record<string, string> = {}): Promise<Answer> =>
  ask('PATCH', location, { ...TUS, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers }, body);
const look = (location: string): Promise<Answer> => ask('HEAD', location, TUS);
const offsetOf = async (location: string): Promise<number> => Number((await look(location)).headers.get('upload-offset'));

async function begun(sizeBytes: number, headers: Record<string, string> = {}): Promise<string> {
  const answer = await begin(sizeBytes, headers);
  expect(answer.status).toBe(201);
  return answer.headers.get('location') ?? '';
}

/** Sends some bytes of a body that is announced longer, and breaks the connection once the service has them. */
async function breakOff(location: string, offset: number, bytes: Uint8Array): Promise<void> {
  const { hostname, port } = new URL(service.url);
  const request = httpRequest({
    hostname, port, path: location, method: 'PATCH',
    headers: { ...TUS, authorization: as('human/dana'), 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', 'content-length': String(bytes.length + 1000) },
  });
  request.on('error', () => undefined);
  request.write(bytes);
  await eventually(async () => expect(await offsetOf(location)).toBe(offset + bytes.length));
  request.destroy();
}

describe('An upload in pieces', () => {
  const bytes = randomBytes(2 * CHUNK_BYTES + 77);

  it('says what is possible, and asks for its version of tus', async () => {
    const answer = await ask('OPTIONS', `${BASE}/artefact-uploads`);
    expect([answer.status, answer.headers.get('tus-version'), answer.headers.get('tus-extension'), answer.headers.get('tus-max-size')]).toEqual([204, '1.0.0', 'creation,expiration,termination', String(LIMIT)]);
    const refused = await begin(10, { 'tus-resumable': '0.2.2' });
    expect([...told(refused), refused.headers.get('tus-version')]).toEqual([412, 'tus-version-unsupported', '1.0.0']);
  });

  it('is kept under its digest with the last piece, and under no name before', async () => {
    const digest = digestOf(bytes);
    const location = await begun(bytes.length, { 'vitae-digest': digest });
    expect(await offsetOf(location)).toBe(0);
    const first = await piece(location, 0, bytes.subarray(0, 1_000_000));
    expect([first.status, first.headers.get('upload-offset'), first.headers.get('vitae-digest')]).toEqual([204, '1000000', null]);
    expect((await download(digest)).status).toBe(404);
    const last = await piece(location, 1_000_000, bytes.subarray(1_000_000));
    expect([last.status, last.headers.get('upload-offset'), last.headers.get('vitae-digest')]).toEqual([204, String(bytes.length), digest]);
    expect((await download(digest)).bytes.equals(bytes)).toBe(true);
    expect((await download(digest, { range: 'bytes=-5' })).bytes).toEqual(bytes.subarray(-5));
    // Whoever lost the answer can ask again, and send the nothing that is left.
    expect((await look(location)).headers.get('vitae-digest')).toBe(digest);
    expect((await piece(location, bytes.length, new Uint8Array())).headers.get('vitae-digest')).toBe(digest);
  });

  it('goes on where the line broke, also after the service was started anew', async () => {
    const other = randomBytes(CHUNK_BYTES);
    const location = await begun(other.length);
    await breakOff(location, 0, other.subarray(0, 300_000));
    await eventually(async () => expect((await piece(location, 300_000, other.subarray(300_000, 400_000))).status).toBe(204));
    await service.stop();
    await start();
    expect(await offsetOf(location)).toBe(400_000);
    expect((await piece(location, 400_000, other.subarray(400_000))).headers.get('vitae-digest')).toBe(digestOf(other));
    expect((await download(digestOf(other))).bytes.equals(other)).toBe(true);
  });

  it('is refused and forgotten when its bytes are not those announced', async () => {
    const location = await begun(6, { 'vitae-digest': digestOf(Buffer.from('abcdef')) });
    const before = await filesIn('artefacts/sha256');
    expect(told(await piece(location, 0, Buffer.from('abcdeX')))).toEqual([422, 'digest-mismatch']);
    expect((await look(location)).status).toBe(404);
    expect(await filesIn('artefacts/sha256')).toEqual(before);
    expect((await filesIn('artefacts/uploads')).filter((name) => location.includes(name.split('.')[0] ?? ''))).toEqual([]);
  });

  it('takes bytes from one request at a time, and only those that follow', async () => {
    const location = await begun(10);
    let more: ReadableStreamDefaultController<Uint8Array> | undefined;
    const slow = piece(location, 0, new ReadableStream({ start: (controller) => void ((more = controller), controller.enqueue(Buffer.from('abc'))) }));
    await eventually(async () => expect(await offsetOf(location)).toBe(3));
    expect(told(await piece(location, 3, Buffer.from('XYZ')))).toEqual([409, 'upload-in-use']);
    expect(told(await ask('DELETE', location, TUS))).toEqual([409, 'upload-in-use']);
    more?.enqueue(Buffer.from('def'));
    more?.close();
    expect((await slow).headers.get('upload-offset')).toBe('6');
    expect(told(await piece(location, 3, Buffer.from('XYZ')))).toEqual([409, 'upload-offset-mismatch']);
    expect((await piece(location, 6, Buffer.from('ghij'))).headers.get('vitae-digest')).toBe(digestOf(Buffer.from('abcdefghij')));
  });

  it('takes no byte more than announced, and none over the limit', async () => {
    expect(told(await begin(LIMIT + 1))).toEqual([413, 'artefact-too-large']);
    expect(told(await begin(0))).toEqual([422, 'artefact-empty']);
    const location = await begun(5);
    expect((await piece(location, 0, Buffer.from('ab'))).status).toBe(204);
    expect(told(await piece(location, 2, Buffer.from('cdef')))).toEqual([413, 'upload-too-long']);
    expect(await offsetOf(location)).toBe(2);
    expect((await piece(location, 2, Buffer.from('cde'))).headers.get('vitae-digest')).toBe(digestOf(Buffer.from('abcde')));
  });

  it('is ended by whoever no longer wants it, and belongs to its project', async () => {
    const location = await begun(5);
    await piece(location, 0, Buffer.from('ab'));
    const foreign = location.replace('/credit/', '/other/');
    expect([(await look(foreign)).status, told(await piece(foreign, 2, Buffer.from('c'))), told(await ask('DELETE', foreign, TUS))]).toEqual([404, [404, 'upload-not-found'], [404, 'upload-not-found']]);
    expect((await ask('DELETE', location, TUS)).status).toBe(204);
    expect((await look(location)).status).toBe(404);
  });

  it('is forgotten when nothing came for long, and its bytes are swept away at the next start', async () => {
    const location = await begun(5);
    await piece(location, 0, Buffer.from('ab'));
    const id = location.split('/').at(-1) ?? '';
    const paths = [join(dataDir, 'artefacts/uploads', id), join(dataDir, 'artefacts/uploads', `${id}.json`)];
    const old = (Date.now() - SESSION_MS - 1000) / 1000;
    for (const path of paths) await utimes(path, old, old);
    expect((await look(location)).status).toBe(404);
    await service.stop();
    await start();
    await eventually(async () => expect((await filesIn('artefacts/uploads')).filter((name) => name.startsWith(id))).toEqual([]));
  });

  it('is refused with headers that cannot be read, other content, and without a credential', async () => {
    expect(told(await ask('POST', `${BASE}/artefact-uploads`, TUS))).toEqual([400, 'upload-length-malformed']);
    expect(told(await begin(5, { 'vitae-digest': 'md5:1' }))).toEqual([400, 'digest-malformed']);
    expect(told(await begin(5, { authorization: '' }))).toEqual([401, 'credential-missing']);
    const location = await begun(5);
    expect(told(await piece(location, 0, Buffer.from('a'), { 'content-type': 'application/octet-stream' }))).toEqual([415, 'unsupported-media-type']);
    expect(told(await piece(location, 0, Buffer.from('a'), { 'upload-offset': '-1' }))).toEqual([400, 'upload-offset-malformed']);
    expect(told(await piece(`${BASE}/artefact-uploads/${randomUUID()}`, 0, Buffer.from('a')))).toEqual([404, 'upload-not-found']);
  });

  it('that somebody damaged on the disk before the last byte is refused by its digest', async () => {
    const location = await begun(6, { 'vitae-digest': digestOf(Buffer.from('abcdef')) });
    await piece(location, 0, Buffer.from('abc'));
    await writeFile(join(dataDir, 'artefacts/uploads', location.split('/').at(-1) ?? ''), 'aXc');
    expect(told(await piece(location, 3, Buffer.from('def')))).toEqual([422, 'digest-mismatch']);
  });
});
