import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { create, type Message } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { takeEvidence, verify, type EvidenceOptions, type Outcome } from '@vitae/cli';
import {
  ActorKind, ActorSchema, AiActClass, ApprovalCaseOpenedSchema, ApprovalGrantedSchema, ColumnKind, DatasetVersionRegisteredSchema, GateDecidedSchema, GateOutcome, IncidentClosedSchema, IncidentReportedSchema,
  ModelRegisteredSchema, ModelVersionRegisteredSchema, PiiClass, PolicyOutcome, RetirementProposedSchema, RiskTier, Severity, TrafficShiftedSchema, UseCaseApprovedSchema, UseCaseDraftedSchema, UseCaseSubmittedSchema,
} from '@vitae/contracts';
import { appendPrepared, prepareAppend, transactOn } from '@vitae/event-store';
import { Keyring } from '@vitae/keyring';
import type { Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, type FreshDatabase } from '@vitae/testing';
import { newSigner, openZip, zipOf } from '@vitae/transparency';
import { unzipSync } from 'fflate';
import { v7 as uuidv7 } from 'uuid';
import { logBench, overHttp, standing, type LogBench } from '../transparency/log.fixture.ts';

let bench: LogBench;
let keys: FreshDatabase;
let keyring: Keyring;
let service: Running;
let door: Server;
let vkey: string;

beforeAll(async () => {
  [bench, keys] = await Promise.all([logBench(), freshDatabase()]);
  const tenantKeyFile = join(bench.directory, 'tenant.key');
  service = await bench.start({ KEYRING_DATABASE_URL: keys.url, VITAE_TENANT_KEY_FILE: tenantKeyFile, VITAE_EVIDENCE_EVENTS: '60' });
  keyring = await Keyring.open({ databaseUrl: keys.url, tenantKeyFile });
  // The front door, as far as these specs go through it.
  door = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/api\/ledger/, '');
    void (async () => {
      const body: Buffer[] = [];
      for await (const chunk of request) body.push(chunk as Buffer);
      const answer = await fetch(service.url + path, { method: request.method ?? 'GET', headers: { authorization: as('human/ada'), ...(request.headers as Record<string, string>) }, body: Buffer.concat(body) });
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
    })();
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  vkey = (await standing(service)).keys[0] ?? '';
});
afterAll(async () => {
  door.closeAllConnections();
  door.close();
  await keyring.close();
  await bench.drop();
  await keys.drop();
});

/** As another service appends: sealed under the person's key, in one stream. Answers the index of the last event. */
async function told(stream: string, events: readonly Message[], { actor = 'dana', subjects = [] as readonly string[], projectId = 'credit', reason = 'a spec <b>"quoted"</b>' } = {}): Promise<number> {
  const attribution = { projectId, actor: create(ActorSchema, { id: actor, kind: ActorKind.HUMAN }), reason, occurredAt: '2026-11-20T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' };
  const { seal } = await keyring.sealerFor(attribution);
  const prepared = await seal(prepareAppend({ stream, expected: 'any', subjects, events, attribution }));
  const recorded = await transactOn(bench.pool)((tx) => appendPrepared(tx.sql, prepared));
  return eventually(async () => {
    const { rows } = await bench.pool.query<{ index: string }>('select n.index from ledger.entry n join ledger.event e on e.seq = n.seq where e.id = $1', [recorded.at(-1)?.id]);
    expect(rows).toHaveLength(1);
    return Number(rows[0]?.index);
  });
}

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
interface Life {
  readonly modelId: string;
  readonly subject: string;
  readonly useCase: string;
  readonly incident: string;
  readonly approved: number;
  readonly shifted: number;
  readonly last: number;
}

/** From the use case to a retirement that is proposed. `writer` is whose words can be erased. */
async function life(writer = 'paula'): Promise<Life> {
  const [modelId, modelVersionId, useCaseId, datasetVersionId, endpointId, variantId, incidentId, approvalCaseId] = Array.from({ length: 8 }, () => uuidv7()) as [string, string, string, string, string, string, string, string];
  const subjects = [`model:${modelId}`, `model-version:${modelVersionId}`];
  const [useCase, incident] = [`governance.UseCase-${useCaseId}`, `governance.Incident-${incidentId}`];
  await told(useCase, [
    create(UseCaseDraftedSchema, { useCaseId, title: 'Credit', objective: 'o', kpis: [{ name: 'k', baseline: 1, target: 2 }], owner: 'dana', dataAvailability: 'd', resources: 'two people', purpose: 'p', riskTier: RiskTier.LOW, aiActClass: AiActClass.MINIMAL, requiredMetrics: [] }),
    create(UseCaseSubmittedSchema, { useCaseId }),
    create(UseCaseApprovedSchema, { useCaseId }),
  ]);
  const column = { name: 'age', dataType: 'BIGINT', kind: ColumnKind.NUMERIC, piiClass: PiiClass.NONE };
  await told(`registry.DatasetVersion-${datasetVersionId}`, [create(DatasetVersionRegisteredSchema, { datasetVersionId, datasetName: 'loans', version: 1, digest: digest('d'), sizeBytes: 99n, mediaType: 'text/csv', rowCount: 1n, columns: [column], piiClass: PiiClass.NONE, source: 's', licence: 'l' })]);
  await told(`registry.Model-${modelId}`, [create(ModelRegisteredSchema, { modelId, name: '<script>alert(1)</script>', task: 't', useCaseId })], { subjects: [`model:${modelId}`] });
  const tensor = { name: 'x', datatype: 'FP32', shape: [-1n, 3n] };
  const artefact = { digest: digest('a'), files: [{ path: 'm.onnx', digest: digest('b'), sizeBytes: 12n }], format: 'onnx' };
  await told(`registry.ModelVersion-${modelVersionId}`, [create(ModelVersionRegisteredSchema, { modelVersionId, modelId, modelName: 'credit', version: 1, artefact, inputs: [tensor], outputs: [tensor], datasetVersionId, datasetDigest: digest('d'), source: { repository: 'r', commit: 'abcdef0' }, contributors: ['dana'], useCaseId })], { subjects });
  const gate = { gate: 'production', modelVersionId, modelId, version: 1, artefactDigest: digest('a'), useCaseId, environment: 'prod', environmentClass: 'production', subjectHash: digest('e') };
  const expiresAt = timestampFromDate(new Date('2027-01-01T00:00:00Z'));
  await told(`governance.ApprovalCase-${approvalCaseId}`, [
    create(ApprovalCaseOpenedSchema, { approvalCaseId, subject: gate, requestedBy: 'dana', contributors: ['dana'] }),
    create(ApprovalGrantedSchema, { approvalCaseId, role: 'model-risk', approver: 'erin', subjectHash: digest('e'), expiresAt }),
  ], { actor: 'erin', subjects });
  const approved = await told(`governance.GateDecision-${uuidv7()}`, [create(GateDecidedSchema, { decisionId: uuidv7(), subject: gate, requestedBy: 'dana', input: '{}', inputHash: digest('1'), inputSchema: 's', policySet: 'core', policySetVersion: '1', policySetHash: digest('2'), engine: 'cel', results: [{ policyId: 'POL-001', title: 'Evaluated', outcome: PolicyOutcome.PASS, reason: 'auc 0.91' }], outcome: GateOutcome.ALLOW, permit: { permitId: uuidv7(), expiresAt } })], { actor: 'erin', subjects });
  const shifted = await told(`deployment.Endpoint-${endpointId}`, [create(TrafficShiftedSchema, { endpointId, endpointName: 'credit', environment: 'prod', weights: [{ variantId, modelVersionId, version: 1, weight: 100 }] })], { subjects: [...subjects, `endpoint:${endpointId}`] });
  await told(incident, [
    create(IncidentReportedSchema, { incidentId, title: 'Scores jump', severity: Severity.SEV2, modelId, modelVersionId, endpointId, causeId: 'alert', description: 'Zwetschge called' }),
    create(IncidentClosedSchema, { incidentId, rootCause: 'Zwetschge mixed up columns', lesson: 'check the columns' }),
  ], { actor: writer, subjects, reason: 'because of Zwetschge' });
  const last = await told(`governance.Retirement-${uuidv7()}`, [create(RetirementProposedSchema, { retirementId: uuidv7(), modelVersionId, modelId, version: 1, criterion: 'replaced', lesson: 'none', proposedBy: 'dana' })], { subjects });
  return { modelId, subject: `model:${modelId}`, useCase, incident, approved, shifted, last };
}

const at = (name: string): string => join(bench.directory, name);
let packs = 0;
async function take(options: Partial<EvidenceOptions>): Promise<{ file: string; outcome: Outcome }> {
  const out = at(`pack-${(packs += 1)}.vitae-evidence.zip`);
  const { port } = door.address() as AddressInfo;
  return { file: out, outcome: await takeEvidence({ url: `http://127.0.0.1:${port}/api`, token: as('human/ada').replace('Bearer ', ''), json: true, project: 'credit', out, ...options }) };
}
const check = (file: string, more: object = {}): Promise<Outcome> => verify(file, { key: [vkey], json: true, ...more });
const filesIn = async (file: string): Promise<ReadonlyMap<string, Buffer>> => openZip(await readFile(file)).files;
const typesIn = async (file: string): Promise<readonly string[]> =>
  ((await filesIn(file)).get('events.tsv')?.toString() ?? '').trimEnd().split('\n').map((line) => (JSON.parse(line.split('\t')[1] ?? '') as { type: string }).type.split('.').at(-1) ?? '');
const post = (body: object, headers: Record<string, string> = {}) =>
  fetch(`${service.url}/v1/projects/credit/evidence`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: as('human/ada'), ...headers }, body: JSON.stringify(body) });
const exports = async (subject: string) =>
  ((await (await fetch(`${service.url}/v1/projects/credit/events?subject=${subject}&type=vitae.ledger.v1.EvidenceExported`, { headers: { authorization: as('human/ada') } })).json()) as { items: { payload: Record<string, unknown>; envelope: { actor: { id: string }; reason: string } }[] }).items;

describe('the evidence about a model', () => {
  let one: Life;
  beforeAll(async () => {
    one = await life();
  });

  it('is its whole life with use case and data, in one file that is verified with nothing but the key', async () => {
    const { file, outcome } = await take({ subject: [one.subject], for: 'the supervisor', reason: 'yearly review' });
    const verified = await check(file);
    expect(verified).toMatchObject({ ok: true, json: { events: 13, withheld: 0, keys: [vkey], problems: [], manifest: { projectId: 'credit', about: { subjects: [one.subject] }, made: { by: 'human/ada', for: 'the supervisor', reason: 'yearly review' } } } });
    expect(await typesIn(file)).toEqual([
      'UseCaseDrafted', 'UseCaseSubmitted', 'UseCaseApproved', 'DatasetVersionRegistered', 'ModelRegistered', 'ModelVersionRegistered', 'ApprovalCaseOpened', 'ApprovalGranted',
      'GateDecided', 'TrafficShifted', 'IncidentReported', 'IncidentClosed', 'RetirementProposed',
    ]);
    expect(outcome.json['sha256']).toMatch(/^[0-9a-f]{64}$/);
  });

  it('opens with any zip program, and holds digests and sizes of all artefacts', async () => {
    const { file } = await take({ subject: [one.subject] });
    const files = unzipSync(await readFile(file));
    expect(Object.keys(files)).toEqual(['manifest.json', 'manifest.note', 'checkpoint', 'log.vkey', 'events.tsv', 'proofs.tsv', 'artefacts.json', 'readable.json', 'report.html', 'README.txt']);
    expect(JSON.parse(Buffer.from(files['artefacts.json'] ?? []).toString())).toMatchObject([
      { digest: digest('a'), names: ['onnx'] },
      { digest: digest('b'), sizeBytes: 12, names: ['m.onnx'] },
      { digest: digest('d'), sizeBytes: 99, names: ['loans', 'text/csv'] },
    ]);
  });

  it('has a report in which everything is told, and nothing that somebody wrote becomes markup', async () => {
    const { file } = await take({ subject: [one.subject] });
    const report = (await filesIn(file)).get('report.html')?.toString() ?? '';
    for (const said of ['POL-001 Evaluated', 'auc 0.91', 'model-risk', 'credit in prod', 'version 1: 100 %', 'sev2; Scores jump', `<code>${digest('b')}</code></td><td>12</td><td>m.onnx`, 'Zwetschge mixed up columns', 'replaced', '&lt;script&gt;alert(1)', 'a spec &lt;b&gt;&quot;quoted&quot;&lt;/b&gt;']) expect(report).toContain(said);
    expect(report).not.toMatch(/<script|<b>|<img|<link|<iframe|javascript:|src=|href=|url\(/i);
    const [line = ''] = ((await filesIn(file)).get('events.tsv')?.toString() ?? '').split('\n');
    const { payloadHash } = JSON.parse(line.split('\t')[1] ?? '') as { payloadHash: string };
    expect(report).toContain(`<code>${line.split('\t')[0]}</code> <code>${payloadHash.slice(0, 12)}</code>`);
  });

  it('as of an earlier time shows nothing that came later', async () => {
    const { file } = await take({ subject: [one.subject], asOf: String(one.approved) });
    expect(await check(file)).toMatchObject({ ok: true, json: { manifest: { asOf: { index: one.approved } } } });
    expect(await typesIn(file)).not.toEqual(expect.arrayContaining(['TrafficShifted']));
    expect((await typesIn(file)).at(-1)).toBe('GateDecided');
    const report = (await filesIn(file)).get('report.html')?.toString() ?? '';
    expect(report).not.toContain('Scores jump');
  });

  it('may be about one stream', async () => {
    const { file } = await take({ stream: [one.incident] });
    expect(await check(file)).toMatchObject({ ok: true, json: { events: 2 } });
    expect(await typesIn(file)).toEqual(['IncidentReported', 'IncidentClosed']);
  });

  it('leaves out what other projects say about it, and says so', async () => {
    await told(`registry.Model-${uuidv7()}`, [create(ModelRegisteredSchema, { modelId: one.modelId, name: 'theirs', task: 't', useCaseId: uuidv7() })], { subjects: [one.subject], projectId: 'fraud' });
    const { file } = await take({ subject: [one.subject] });
    expect(await check(file)).toMatchObject({ ok: true, json: { manifest: { leftOut: [{ what: expect.stringContaining('other projects'), count: 1 }] } } });
    expect((await filesIn(file)).get('events.tsv')?.toString()).not.toContain('theirs');
  });

  it('shows of an event of another project within a stream that it exists, and not what it says', async () => {
    const stream = `governance.Incident-${uuidv7()}`;
    const incidentId = uuidv7();
    await told(stream, [create(IncidentClosedSchema, { incidentId, rootCause: 'ours', lesson: 'l' })]);
    await told(stream, [create(IncidentClosedSchema, { incidentId, rootCause: 'theirs', lesson: 'l' })], { projectId: 'fraud' });
    const { file } = await take({ stream: [stream] });
    expect(await check(file)).toMatchObject({ ok: true, json: { events: 2, withheld: 1 } });
    expect((await filesIn(file)).get('report.html')?.toString()).toContain('[withheld]');
  });
});

describe('whoever takes evidence', () => {
  it('is recorded with what it was, before the bytes leave', async () => {
    const { subject } = await life();
    const { file, outcome } = await take({ subject: [subject], for: 'the supervisor', reason: 'yearly review' });
    const [exported] = await eventually(async () => {
      const found = await exports(subject);
      expect(found).toHaveLength(1);
      return found;
    });
    const { size } = (await check(file)).json as { size: number };
    expect(exported).toMatchObject({
      envelope: { actor: { id: 'ada' }, reason: 'yearly review' },
      payload: { recipient: 'the supervisor', subjects: [subject], checkpointSize: String(size), events: 13, sha256: outcome.json['sha256'], sizeBytes: String(outcome.json['bytes']), readableTexts: expect.any(Number) },
    });
    const later = await take({ subject: [subject] });
    expect((await filesIn(later.file)).get('report.html')?.toString()).toContain('Evidence exported');
  });

  it('gets no second pack under one idempotency key', async () => {
    const { subject } = await life();
    const key = { 'idempotency-key': uuidv7() };
    expect((await post({ subjects: [subject] }, key)).status).toBe(201);
    const again = await post({ subjects: [subject] }, key);
    expect([again.status, await again.json()]).toMatchObject([409, { type: 'https://vitae.dev/problems/evidence-exported-before' }]);
  });

  it.each([
    [{ subjects: [`model:${uuidv7()}`] }, {}, 404, 'evidence-empty'],
    [{}, {}, 400, 'invalid-request'],
    [{ subjects: ['nonsense'] }, {}, 400, 'invalid-request'],
    [{ streams: ['governance.UseCase-1'], asOf: 99_999_999 }, {}, 404, 'beyond-the-ledger'],
    [{ subjects: ['model:m'] }, { authorization: '' }, 401, 'credential-missing'],
  ])('is told what is wrong with %j', async (body, headers, status, slug) => {
    const answer = await post(body, headers);
    expect([answer.status, await answer.json()]).toMatchObject([status, { type: `https://vitae.dev/problems/${slug}` }]);
  });

  it('is refused more than a pack holds, and a checkpoint that this log never had', async () => {
    const { subject, incident } = await life();
    await told(incident, Array.from({ length: 60 }, () => create(IncidentClosedSchema, { incidentId: uuidv7(), rootCause: 'r', lesson: 'l' })));
    const large = await post({ subjects: [subject] });
    expect([large.status, await large.json()]).toMatchObject([422, { type: 'https://vitae.dev/problems/evidence-too-large' }]);
    const unknown = await post({ streams: [(await life()).useCase], known: 1_000_000 });
    expect([unknown.status, await unknown.json()]).toMatchObject([409, { type: 'https://vitae.dev/problems/checkpoint-unknown' }]);
  });
});

describe('what people wrote', () => {
  it('is shown to who may read it, as the word of the service and not of the log; after an erasure the pack still holds and shows [erased]', async () => {
    const { subject } = await life('peter');
    const before = await take({ subject: [subject] });
    const readable = JSON.parse((await filesIn(before.file)).get('readable.json')?.toString() ?? '') as { at: string; text: string }[];
    expect(readable).toEqual(expect.arrayContaining([expect.objectContaining({ at: '/payload/rootCause', text: 'Zwetschge mixed up columns' }), expect.objectContaining({ at: '/metadata/reason', text: 'because of Zwetschge' })]));
    expect((await filesIn(before.file)).get('events.tsv')?.toString()).not.toContain('Zwetschge');
    expect((await check(before.file)).lines.at(-1)).toContain('not proven by the log');

    await keyring.destroy('peter', uuidv7());
    const after = await take({ subject: [subject] });
    expect(await check(after.file)).toMatchObject({ ok: true, json: { manifest: { leftOut: expect.arrayContaining([expect.objectContaining({ what: expect.stringContaining('erased') })]) } } });
    const all = [...(await filesIn(after.file)).values()].map(String).join('\n');
    expect(all).not.toContain('Zwetschge');
    expect((await filesIn(after.file)).get('report.html')?.toString()).toContain('[erased]');
    expect((await check(before.file)).ok).toBe(true);
  });
});

describe('who brings a pack to the verifier', () => {
  let file: string;
  let one: Life;
  beforeAll(async () => {
    one = await life();
    ({ file } = await take({ subject: [one.subject] }));
  });
  const changed = async (name: string, change: (text: string) => string): Promise<string> => {
    const files = new Map(await filesIn(file));
    const out = at(`changed-${(packs += 1)}.zip`);
    await writeFile(out, zipOf(files.set(name, Buffer.from(change(files.get(name)?.toString() ?? '')))));
    return out;
  };

  it('has each change named', async () => {
    expect(await check(await changed('events.tsv', (text) => text.replace('"auc 0.91"', '"auc 0.99"')))).toMatchObject({ ok: false, json: { firstProblem: { where: 'payload', index: one.approved } } });
    expect(await check(await changed('events.tsv', (text) => text.replace(/^.*TrafficShifted.*\n/m, '')))).toMatchObject({ ok: false });
    expect(await check(await changed('report.html', (text) => text.replace('auc 0.91', 'auc 0.99')))).toMatchObject({ ok: false, json: { firstProblem: { where: 'file', path: 'report.html' } } });
    const bytes = await readFile(file);
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 4;
    await writeFile(at('flipped.zip'), bytes);
    expect(await check(at('flipped.zip'))).toMatchObject({ ok: false, json: { firstProblem: { where: 'pack' } } });
  });

  it('needs the right key', async () => {
    const { origin } = await standing(service);
    expect(await check(file, { key: [newSigner(origin).verifierKey] })).toMatchObject({ ok: false, json: { keys: [] } });
    await expect(check(file, { key: [] })).rejects.toThrow('without the log\'s key nothing can be trusted');
  });

  it('may compare it with a checkpoint that was kept, older or the same', async () => {
    const kept = at('kept.checkpoint');
    await writeFile(kept, await overHttp(service).checkpoint());
    await life();
    const { file: newer } = await take({ subject: [one.subject], known: kept });
    expect(await check(newer, { known: kept })).toMatchObject({ ok: true });
    const unrelated = await take({ subject: [one.subject] });
    await expect(check(unrelated.file, { known: kept })).rejects.toThrow('has no proof between the two');
  });

  it('follows the log to a new key when the pack has the rotation', async () => {
    const rotated = await fetch(`${service.url}/v1/log/keys`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: as('human/olga') }, body: '{}' });
    expect(rotated.status).toBe(201);
    const { newVerifierKey } = (await rotated.json()) as { newVerifierKey: string };
    await life();
    await eventually(async () => expect((await overHttp(service).checkpoint()).split('\n').filter((line) => line.startsWith('—'))).toHaveLength(1));
    const { file: later } = await take({ subject: [one.subject] });
    expect(await check(later)).toMatchObject({ ok: true, json: { keys: [newVerifierKey] } });
    expect(await check(later, { key: [newVerifierKey] })).toMatchObject({ ok: true });
    expect(await check(file)).toMatchObject({ ok: true, json: { keys: [vkey] } });
  });
});

// Last, for it breaks the ledger: rows are edited by who owns the database.
describe('a ledger that was changed behind the back of the log', () => {
  it('gives no evidence', async () => {
    const { subject, incident } = await life();
    await take({ subject: [subject] });
    await bench.pool.query(`alter table ledger.event disable trigger all; update ledger.event set payload = '{"forged":true}' where stream = '${incident}' and revision = 1`);
    const answer = await post({ subjects: [subject] });
    expect([answer.status, await answer.json()]).toMatchObject([503, { type: 'https://vitae.dev/problems/evidence-unsound', detail: expect.stringContaining('index') }]);
    expect(await eventually(() => exports(subject))).toHaveLength(1);
  });
});
