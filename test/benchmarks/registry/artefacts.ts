import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuSecondsOf } from '../ledger/cpu.ts';
import { quantile } from '../ledger/quantile.ts';
import type { Bench } from './bench.ts';
import { peakMemory, startBareServer, startRegistry } from './programs.ts';
import { bodyOf, MEGABYTE, receive, send, writeDown } from './transfers.ts';

const PIECE_MB = 64;

/**
 * Artefacts in and out, beside what disk and loopback give to a program that does nothing else: alternating, and each
 * ratio is of the same round. Then the same with a quarter of the size, for the memory.
 */
export async function artefacts({ testbed, natsUrl, identity, options: { megabytes, rounds }, report, progress }: Bench): Promise<void> {
  const { directory } = testbed;
  await using running = new AsyncDisposableStack();
  const registry = await startRegistry({
    ...identity.environmentOf('registry'),
    DATABASE_URL: await testbed.database('artefacts'),
    NATS_URL: natsUrl,
    VITAE_DATA_DIR: join(directory, 'registry'), // the disk that is measured
    VITAE_MAX_ARTEFACT_BYTES: String(64 * 1024 ** 3),
  });
  running.defer(() => registry.stop());
  const who = async (): Promise<{ readonly authorization: string }> => ({ authorization: `Bearer ${await identity.as('emil').accessToken()}` });
  const base = `${registry.url}/v1/projects/bench`;
  const file = join(directory, 'bare');
  const bare = await startBareServer(file);
  running.defer(async () => {
    await bare.stop();
    await rm(file, { force: true });
  });
  let bodies = 0;
  const upload = async (size: number): Promise<string> => String((await send('POST', `${base}/artefacts`, { ...(await who()), 'content-type': 'application/octet-stream' }, bodyOf((bodies += 1)), size)).headers['location']);
  const kept = await upload(megabytes / 4); // also warms up
  const small = peakMemory(registry.pid);

  const rates = new Map<string, { readonly rates: number[]; readonly cpu: number[] }>();
  const timed = async (name: string, work: () => Promise<unknown>, pid = registry.pid): Promise<void> => {
    const [begun, cpu] = [performance.now(), cpuSecondsOf(pid) ?? NaN];
    await work();
    const seconds = (performance.now() - begun) / 1000;
    const of = rates.get(name) ?? { rates: [], cpu: [] };
    rates.set(name, of);
    of.rates.push(megabytes / seconds);
    of.cpu.push((1000 * ((cpuSecondsOf(pid) ?? NaN) - cpu)) / (megabytes / 1024));
  };
  let location = kept;
  for (let round = 0; round < rounds; round += 1) {
    progress(`artefacts, round ${round + 1}`);
    await timed(DISK, () => writeDown(join(directory, 'raw'), bodyOf(round), megabytes), process.pid);
    await timed(LOOPBACK, () => send('PUT', `${bare.url}/discard`, {}, bodyOf(round), megabytes), bare.pid);
    await timed(BARE_UPLOAD, () => send('PUT', `${bare.url}/write`, {}, bodyOf(round), megabytes), bare.pid);
    await timed(UPLOAD, async () => (location = await upload(megabytes)));
    await timed(PIECES, () => who().then((authorization) => inPieces(base, authorization, bodyOf((bodies += 1)), megabytes)));
    await timed(BARE_DOWNLOAD, () => whole(receive(bare.url), megabytes), bare.pid);
    await timed(DOWNLOAD, () => whole(who().then((authorization) => receive(`${registry.url}${location}`, authorization)), megabytes));
    await timed(RANGES, async () => {
      for (let at = 0; at < megabytes; at += PIECE_MB) await receive(`${registry.url}${location}`, { ...(await who()), range: `bytes=${at * MEGABYTE}-${Math.min(at + PIECE_MB, megabytes) * MEGABYTE - 1}` });
    });
  }
  const large = peakMemory(registry.pid);

  const median = (name: string): number => quantile(rates.get(name)?.rates ?? [], 0.5);
  const ratio = (name: string, ...others: string[]): number =>
    quantile((rates.get(name)?.rates ?? []).map((rate, round) => rate / Math.min(...others.map((other) => rates.get(other)?.rates[round] ?? NaN))), 0.5);
  report.table(
    `${megabytes} MB, ${rounds} rounds; CPU of the serving process`,
    ['', 'MB/s', 'lowest', 'highest', 'CPU ms/GB'],
    [...rates].map(([name, of]) => [name, median(name), Math.min(...of.rates), Math.max(...of.rates), quantile(of.cpu, 0.5)]),
  );
  report.table('Most memory that the registry held', ['', 'MB'], [[`after ${megabytes / 4} MB`, small], [`after ${2 * rounds} × ${megabytes} MB up, and as many down`, large]]);
  report.verdict({ goal: 'upload against the slower of disk and loopback', measured: ratio(UPLOAD, DISK, LOOPBACK), atLeast: 0.7 });
  report.verdict({ goal: 'upload against a bare server that writes to disk', measured: ratio(UPLOAD, BARE_UPLOAD), atLeast: 0.7 });
  report.verdict({ goal: 'download against a bare server', measured: ratio(DOWNLOAD, BARE_DOWNLOAD), atLeast: 0.7 });
  report.verdict({ goal: 'memory: MB more for four times the size', measured: large - small, atMost: 100 });
}

const DISK = 'disk: write and fsync';
const LOOPBACK = 'loopback: bare server that discards';
const BARE_UPLOAD = 'bare server that writes and fsyncs';
const UPLOAD = 'upload';
const PIECES = `upload in pieces of ${PIECE_MB} MB (tus)`;
const BARE_DOWNLOAD = 'bare server that sends a file';
const DOWNLOAD = 'download';
const RANGES = `download in ranges of ${PIECE_MB} MB`;

async function inPieces(base: string, who: { readonly authorization: string }, block: Buffer, megabytes: number): Promise<void> {
  const tus = { ...who, 'tus-resumable': '1.0.0' };
  const { headers } = await fetch(`${base}/artefact-uploads`, { method: 'POST', headers: { ...tus, 'upload-length': String(megabytes * MEGABYTE) } });
  const url = new URL(headers.get('location') ?? '', base).href;
  for (let at = 0; at < megabytes; at += PIECE_MB) {
    await send('PATCH', url, { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(at * MEGABYTE) }, block, Math.min(PIECE_MB, megabytes - at));
  }
}

async function whole(bytes: Promise<number>, megabytes: number): Promise<void> {
  if ((await bytes) !== megabytes * MEGABYTE) throw new Error('not all bytes came');
}
