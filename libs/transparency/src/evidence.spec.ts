import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkEvidence, EVIDENCE_FILES, formatCheckpoint, newSigner, openZip, parseCheckpoint, parsePolicy, parseVerifierKey, verifyTlogProof, zipOf, type EvidenceContent, type EvidenceReport } from './index.ts';
import { evidenceOf, log, rotatedLog, SHOWN } from './small-evidence.fixture.ts';
import { keys, ORIGIN, signer, stranger } from './small-log.fixture.ts';

const check = (pack: Uint8Array, more = {}): EvidenceReport => checkEvidence(pack, { keys, ...more });
const filesOf = (pack: Buffer): Map<string, Buffer> => new Map(openZip(pack).files);
/** Puts a changed file into a pack, as somebody would who knows zips. */
const withFile = (pack: Buffer, name: string, change: (text: string) => string): Buffer => zipOf(filesOf(pack).set(name, Buffer.from(change(filesOf(pack).get(name)?.toString() ?? ''))));
const withEvents = (change: (events: EvidenceContent['events']) => EvidenceContent['events']) => (content: EvidenceContent): EvidenceContent => ({ ...content, events: change(content.events) });

describe('an evidence pack', () => {
  it('given as it was made, then it shows its events and what is known of them', async () => {
    const report = check(await evidenceOf(SHOWN));
    expect(report).toMatchObject({ problems: [], origin: ORIGIN, size: 20, events: 4, withheld: 1, keys: [signer.verifierKey], known: 'none' });
    const artefacts = JSON.parse(filesOf(await evidenceOf(SHOWN)).get('artefacts.json')?.toString() ?? '') as unknown;
    expect(artefacts).toEqual([
      { digest: `sha256:${'a'.repeat(64)}`, names: [], events: [3, 4, 17] },
      { digest: `sha256:${'b'.repeat(64)}`, sizeBytes: 12, names: ['m.onnx'], events: [3, 4, 17] },
    ]);
  });

  it('given each byte changed, one at a time, then each change is found', async () => {
    const pack = await evidenceOf([3, 4]);
    const unnoticed: number[] = [];
    for (let at = 0; at < pack.length; at += 1) {
      const flipped = Buffer.from(pack);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << at % 8);
      if (check(flipped).problemCount === 0) unnoticed.push(at);
    }
    expect(unnoticed).toEqual([]);
  });

  it('given a byte of an event changed, then that event is named', async () => {
    const pack = await evidenceOf(SHOWN);
    const events = filesOf(pack).get('events.tsv') ?? Buffer.alloc(0);
    const begin = pack.indexOf(events);
    for (let at = 0, line = 0; at < events.length; at += 1) {
      if (events[at] === 10) line += 1;
      if (at % 7 !== 0 || events[at] === 10) continue; // prime, so that all kinds of bytes are met
      const flipped = Buffer.from(pack);
      flipped[begin + at] = (flipped[begin + at] ?? 0) ^ 1;
      const isIndex = at === 0 || /^\n\d*$/.test(events.toString('latin1', Math.max(0, at - 3), at)) || events.toString('latin1', Math.max(0, at - 2), at + 1).includes('\n');
      if (!isIndex && events[at] !== 9) expect([at, check(flipped).firstProblem?.index]).toEqual([at, SHOWN[line]]);
    }
  });

  it('given one line of its events and of its proofs, then these are a proof by themselves, as other tools read it', async () => {
    const files = filesOf(await evidenceOf(SHOWN));
    const line = (name: string): readonly string[] => files.get(name)?.toString().split('\n')[2]?.split('\t') ?? [];
    const proof = `c2sp.org/tlog-proof@v1\nindex ${line('proofs.tsv')[0]}\n${line('proofs.tsv')[1]?.split(' ').join('\n')}\n\n${files.get('checkpoint')}`;
    expect(verifyTlogProof(proof, Buffer.from(line('events.tsv')[1] ?? ''), parsePolicy(`log ${signer.verifierKey}\nquorum none\n`))).toMatchObject({ index: 9, checkpoint: { size: 20 } });
  });

  it('given any bytes in the place of a file, then it is told and nothing breaks', async () => {
    const [pack, names] = [await evidenceOf(SHOWN), fc.constantFrom(...Object.values(EVIDENCE_FILES))];
    const deep = fc.nat(20_000).map((depth) => '['.repeat(depth));
    const odd = fc.oneof(fc.json(), fc.string(), fc.uint8Array({ maxLength: 100 }), deep, fc.constantFrom('[null]', '{"format":"vitae-evidence/1"}', '1\t{}\t\t\t\n', '[{"index":3,"at":"/a","text":1}]'));
    fc.assert(fc.property(names, odd, (name, bytes) => {
      expect(check(zipOf(filesOf(pack).set(name, Buffer.from(bytes as string)))).problemCount).toBeGreaterThan(0);
    }), { numRuns: 300 });
  });

  it('given odd lines that the key signed, then they are told and nothing breaks', async () => {
    const lines = fc.oneof(fc.json(), fc.string().map((text) => text.replaceAll(/[\t\n]/g, '')));
    await fc.assert(fc.asyncProperty(lines, lines, lines, async (entry, payload, metadata) => {
      const change = (content: EvidenceContent): EvidenceContent => ({ ...content, events: content.events.map((event) => ({ ...event, entry })), proofs: [] });
      expect(check(await evidenceOf([3], { change })).problemCount).toBeGreaterThan(0);
      const stored = { payload: `{"a":${JSON.stringify(payload)}}`, metadata: `{"a":${JSON.stringify(metadata)}}`, subjects: '' };
      expect(check(await evidenceOf([3], { change: withEvents((events) => events.map((event) => ({ ...event, stored }))) })).firstProblem).toMatchObject({ index: 3 });
    }), { numRuns: 50 });
  });

  it('given bytes behind it, before it, or cut off, then they are found', async () => {
    const pack = await evidenceOf([3]);
    for (const other of [Buffer.concat([pack, Buffer.of(0)]), Buffer.concat([Buffer.of(0), pack]), pack.subarray(0, -1), pack.subarray(0, 100), Buffer.alloc(0), Buffer.from('PK')]) {
      expect(check(other).problemCount).toBeGreaterThan(0);
    }
  });
});

describe('who changes a pack and writes the zip anew', () => {
  it.each([
    ['events.tsv', (text: string) => text.replace('"version":2', '"version":3'), { where: 'payload', index: 4 }],
    ['events.tsv', (text: string) => text.replace('"actor":"olivia"', '"actor":"dana"'), { where: 'entry', index: 3 }],
    ['events.tsv', (text: string) => text.replace('"revision":2', '"revision":7'), { where: 'stream', index: 4 }],
    ['events.tsv', (text: string) => text.replace('model:0199aaaa-0000-7000-8000-000000000017', 'model:x'), { where: 'context', index: 17 }],
    ['proofs.tsv', (text: string) => text.replace(/\t[A-Z]/, '\ta'), { where: 'proof', index: 3 }],
    ['report.html', (text: string) => text.replace('A report', 'Another'), { where: 'file', path: 'report.html' }],
    ['readable.json', (text: string) => text.replace('Wörter', 'Worte'), { where: 'file', path: 'readable.json' }],
    ['manifest.json', (text: string) => text.replace('a spec', 'a whim'), { where: 'manifest', path: 'manifest.note' }],
    ['checkpoint', (text: string) => text.replace('\n20\n', '\n21\n'), { where: 'file', path: 'checkpoint' }],
    ['README.txt', () => 'rm -rf', { where: 'file', path: 'README.txt' }],
  ])('is found in %s', async (name, change, problem) => {
    const pack = await evidenceOf(SHOWN);
    const changed = withFile(pack, name, change);
    expect(changed.equals(pack)).toBe(false);
    expect(check(changed).firstProblem).toMatchObject(problem);
  });

  it('is found when a file is added or taken out', async () => {
    const pack = await evidenceOf([3]);
    const files = filesOf(pack);
    expect(check(zipOf(new Map(files).set('more.txt', Buffer.alloc(1)))).firstProblem).toMatchObject({ where: 'file', path: 'more.txt' });
    for (const name of Object.values(EVIDENCE_FILES)) {
      const fewer = new Map(files);
      fewer.delete(name);
      expect([name, check(zipOf(fewer)).problemCount > 0]).toEqual([name, true]);
    }
  });
});

describe('a pack made by somebody who has not the key', () => {
  it('is refused', async () => {
    expect(check(await evidenceOf(SHOWN, { by: stranger })).problems.map(({ where }) => where)).toEqual(expect.arrayContaining(['checkpoint', 'manifest']));
    expect(check(await evidenceOf(SHOWN), { origin: 'vitae.test/another' }).firstProblem?.where).toBe('checkpoint');
  });

  it('is refused when only the list of files is by another', async () => {
    const [honest, other] = [filesOf(await evidenceOf(SHOWN)), filesOf(await evidenceOf(SHOWN, { by: stranger }))];
    expect(check(zipOf(new Map(honest).set('manifest.note', other.get('manifest.note') ?? Buffer.alloc(0)))).problems).toMatchObject([{ where: 'manifest' }]);
  });
});

// What follows is signed by the log's own key: mistakes and lies of the service that made it.
describe('a pack that is signed and does not hold together', () => {
  const found = async (change: (content: EvidenceContent) => EvidenceContent): Promise<EvidenceReport['firstProblem']> => check(await evidenceOf(SHOWN, { change })).firstProblem;

  it('shows a hole within a stream, and a tail that is missing', async () => {
    const hole = SHOWN.filter((index) => index !== 4);
    expect(check(await evidenceOf(hole)).firstProblem).toMatchObject({ where: 'stream', index: 9 });
    const about = (content: EvidenceContent) => ({ ...content, about: { ...content.about, streams: content.about.streams.map((one) => ({ ...one, revisions: 5 })) } });
    expect(await found(about)).toMatchObject({ where: 'stream', what: expect.stringContaining('promises 5 revisions') });
  });

  it('shows events behind its point in time', async () => {
    expect(await found((content) => ({ ...content, about: { ...content.about, asOf: { index: 16 } } }))).toMatchObject({ where: 'manifest', index: 17 });
  });

  it('shows events twice, out of order, or of another project', async () => {
    expect((await found(withEvents((events) => [...events].reverse())))?.where).toMatch(/file|stream|proof/);
    expect(await found(withEvents((events) => events.map((event) => (event.index === 9 ? { ...event, stored: { payload: log[9]?.payload ?? '', metadata: log[9]?.metadata ?? '', subjects: log[9]?.subjects.join(' ') ?? '' } } : event))))).toMatchObject({ where: 'manifest', index: 9 });
  });

  it('shows texts for what is not sealed', async () => {
    expect(await found((content) => ({ ...content, readable: [{ index: 3, at: '/payload/version', text: 'x' }] }))).toMatchObject({ where: 'file', path: 'readable.json' });
  });
});

describe('the key of the log', () => {
  const next = newSigner(ORIGIN);

  it('given a rotation in the pack, then who trusts the old key follows to the new one', async () => {
    const pack = await evidenceOf([3, 4, 5], { of: rotatedLog(next), by: next });
    expect(check(pack)).toMatchObject({ problems: [], keys: [next.verifierKey] });
  });

  it('given no rotation in the pack, then the new key is a stranger', async () => {
    expect(check(await evidenceOf([3, 4], { of: rotatedLog(next), by: next })).problemCount).toBeGreaterThan(0);
  });

  it('given a rotation, then the replaced key counts no more', async () => {
    expect(check(await evidenceOf([3, 4, 5], { of: rotatedLog(next), by: signer })).problems.map(({ where }) => where)).toContain('checkpoint');
  });
});

describe('what the verifier keeps elsewhere', () => {
  it('is compared with the checkpoint of the pack, when both are over as many events', async () => {
    const pack = await evidenceOf([3]);
    const same = parseCheckpoint(filesOf(pack).get('checkpoint')?.toString().split('\n\n')[0]?.concat('\n') ?? '');
    expect(check(pack, { known: same })).toMatchObject({ problems: [], known: 'compared' });
    expect(check(pack, { known: { ...same, root: Buffer.alloc(32) } }).firstProblem).toMatchObject({ where: 'known' });
    expect(check(pack, { known: parseCheckpoint(formatCheckpoint({ ...same, size: 7 })) })).toMatchObject({ problems: [], known: 'apart' });
  });

  it('asks for witnesses', async () => {
    const policy = parsePolicy(`log ${signer.verifierKey}\nwitness w ${newSigner('w.test', 4).verifierKey}\nquorum w\n`);
    expect(check(await evidenceOf([3]), { policy, keys: [parseVerifierKey(signer.verifierKey)] }).firstProblem).toMatchObject({ where: 'witness' });
  });
});
