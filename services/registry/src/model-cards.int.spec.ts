import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boot, rebuildViews, type Running } from '@vitae/service-kit';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { registry } from './app.module.ts';

const FIXTURES = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const BASE = '/v1/projects/credit';

let database: FreshDatabase;
let keys: FreshDatabase;
let nats: FreshNats;
let dataDir: string;
let service: Running;
let sql: pg.Pool;
let datasetVersionId: string;
/** One version for each spec, so that none rests on another. */
let versions: string[];
let csvDigest: string;

beforeAll(async () => {
  [database, keys, nats, dataDir] = await Promise.all([freshDatabase(), freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-cards-'))]);
  const sealed = { KEYRING_DATABASE_URL: keys.url, VITAE_TENANT_KEY_FILE: join(dataDir, 'tenant.key') };
  service = await boot(registry, { ...specAccess(), ...sealed, PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, VITAE_DATA_DIR: dataDir, LOG_LEVEL: 'fatal' });
  sql = new pg.Pool({ connectionString: database.url, max: 2 });
  const upload = async (name: string): Promise<string> => (await call('POST', '/artefacts', await readFile(new URL(name, FIXTURES)))).body.digest as string;
  csvDigest = await upload('credit.csv');
  const said = { mediaType: 'text/csv', labelColumn: 'bad_credit', splitColumn: 'split', protectedColumns: ['sex'], piiClasses: { sex: 'personal' }, lawfulBasis: 'contract', source: 'Statlog', licence: 'CC BY 4.0', digest: csvDigest };
  datasetVersionId = (await call('POST', '/datasets/german-credit/versions', said)).body.id;
  const useCaseId = '01890000-0000-7000-8000-000000000001';
  versions = [];
  for (const name of ['one', 'two', 'three', 'four']) {
    const model = await call('POST', '/models', { name: `credit ${name}`, description: 'Probability that a loan goes bad', task: 'binary-classification', useCaseId });
    const artefact = { digest: await upload('credit-v1.onnx'), path: 'model.onnx', format: 'onnx' };
    const version = await call('POST', `/models/${model.body.id}/versions`, { artefact, datasetVersionId, source: { repository: 'https://example.org/credit.git', commit: 'abcdef0123' }, contributors: ['ben'] });
    versions.push(version.body.id);
  }
});

afterAll(async () => {
  await sql?.end();
  await service?.stop();
  await Promise.allSettled([database?.drop(), keys?.drop(), nats?.drop(), rm(dataDir, { recursive: true, force: true })]);
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, who: `human/${string}` | `machine/${string}` = 'human/dana', headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${service.url}${path.startsWith('/v1') ? '' : BASE}${path}`, {
    method,
    headers: { authorization: as(who), ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text !== '' && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined };
}

const card = (id: string | undefined, rest = ''): string => `/model-versions/${id}/card${rest}`;
const problem = ({ status, body }: Answer) => ({ status, type: body?.type?.split('/').at(-1) });
const eventsOf = async (id: string | undefined): Promise<string[]> => (await sql.query("select type from ledger.event where stream = $1 order by revision", [`registry.ModelCard-${id}`])).rows.map(({ type }) => (type as string).split('.').at(-1) ?? '');

describe('The card of a version', () => {
  it('goes from what is known to what everybody sees, by two people, and a newer one takes its place', async () => {
    const [id] = versions;
    const evaluated = await call('POST', `/model-versions/${id}/evaluations`, { datasetVersionId, split: 'test' });
    expect(evaluated.status).toBe(201);
    expect(problem(await call('GET', card(id)))).toEqual({ status: 404, type: 'model-card-not-found' });

    const drafted = await call('POST', card(id), undefined, 'human/dana', { 'idempotency-key': 'draft-1' });
    expect(drafted).toMatchObject({ status: 201, body: { stage: 'draft', cardRevision: 1, revision: 1 } });
    expect(drafted.body.content.evaluation).toMatch(/On german-credit version 1, test \(\d+ rows\): .*auc 0\.\d+/);
    expect((await call('POST', card(id), undefined, 'human/dana', { 'idempotency-key': 'draft-1' })).body.revision).toBe(1);
    expect(problem(await call('POST', card(id)))).toEqual({ status: 409, type: 'model-card-exists' });

    const content = { ...drafted.body.content, limitations: 'One bank only.', licence: 'Apache-2.0' };
    expect(problem(await call('PUT', card(id), content, 'human/wim', { 'if-match': '"7"' }))).toEqual({ status: 412, type: 'revision-mismatch' });
    expect(await call('PUT', card(id), content, 'human/wim', { 'if-match': '"1"' })).toMatchObject({ status: 200, body: { stage: 'draft', cardRevision: 2 } });
    expect((await call('POST', card(id, '/submission'))).body).toMatchObject({ stage: 'in-review' });
    for (const [who, type] of [['human/ben', 'four-eyes'], ['human/dana', 'four-eyes'], ['human/wim', 'four-eyes'], ['machine/pipeline', 'reviewer-not-human']] as const) {
      expect(problem(await call('POST', card(id, '/approval'), undefined, who))).toEqual({ status: 403, type });
    }
    expect((await call('POST', card(id, '/return'), { reason: 'Say more.' }, 'human/mira')).body).toMatchObject({ stage: 'draft' });
    expect((await call('GET', card(id))).body).toMatchObject({ stage: 'draft', reviewer: 'mira', returnedBecause: 'Say more.', cardRevision: 2 });
    expect(problem(await call('GET', card(id, '.md')))).toEqual({ status: 404, type: 'model-card-not-published' });
    expect(problem(await call('POST', card(id, '/publication')))).toEqual({ status: 409, type: 'model-card-state' });
    await call('POST', card(id, '/submission'));
    await call('POST', card(id, '/approval'), undefined, 'human/mira');
    expect((await call('POST', card(id, '/publication'))).body).toMatchObject({ stage: 'published', cardRevision: 2 });

    await call('PUT', card(id), { ...content, limitations: 'Two banks.' });
    expect((await call('GET', `/model-versions/${id}/bom?format=cyclonedx`)).body.metadata.component.modelCard.considerations.technicalLimitations).toEqual(['One bank only.']);
    expect((await call('GET', card(id, '?revision=published'))).body).toMatchObject({ stage: 'draft', cardRevision: 3, published: 2, content: { limitations: 'One bank only.' } });
    expect((await call('GET', card(id, '.md'))).text).toContain('## Limitations\n\nOne bank only.');
    await call('POST', card(id, '/submission'));
    await call('POST', card(id, '/approval'), undefined, 'human/mira');
    await call('POST', card(id, '/publication'));
    expect((await call('GET', `/model-versions/${id}/bom?format=cyclonedx`)).body.metadata.component).toMatchObject({ licenses: [{ expression: 'Apache-2.0' }], modelCard: { considerations: { technicalLimitations: ['Two banks.'] } } });
    expect((await call('GET', card(id, '/revisions'))).body.items).toMatchObject([
      { cardRevision: 3, writtenBy: 'dana', publishedAt: expect.any(String), supersededAt: null },
      { cardRevision: 2, writtenBy: 'wim', publishedAt: expect.any(String), supersededAt: expect.any(String) },
      { cardRevision: 1, writtenBy: 'dana', publishedAt: null },
    ]);
    expect((await call('GET', card(id, '/revisions?limit=1'))).body).toMatchObject({ items: [{ cardRevision: 3 }], next: 3 });
    expect((await call('GET', card(id, '/revisions?limit=1&before=3'))).body).toMatchObject({ items: [{ cardRevision: 2 }], next: 2 });
    expect(await eventsOf(id)).toEqual([
      'ModelCardDrafted', 'ModelCardRevised', 'ModelCardSubmittedForReview', 'ModelCardReturned', 'ModelCardSubmittedForReview', 'ModelCardApproved', 'ModelCardPublished',
      'ModelCardRevised', 'ModelCardSubmittedForReview', 'ModelCardApproved', 'ModelCardPublished', 'ModelCardSuperseded',
    ]);
  });

  it('takes a card of Hugging Face as a revision, and nothing of one that cannot be read', async () => {
    const id = versions[1];
    await call('POST', card(id));
    const text = '---\nlicense: mit\nwidget: [a]\n---\n# x\n\n## Limitations\n\nMany.\n';
    expect(await call('POST', card(id, '/imports'), { format: 'hugging-face', text }, 'human/wim')).toMatchObject({ status: 200, body: { cardRevision: 2 } });
    expect((await call('GET', card(id))).body.content).toMatchObject({ licence: 'mit', limitations: 'Many.', summary: '', extra: [{ key: 'widget', json: '["a"]' }] });
    expect((await call('GET', card(id, '/revisions'))).body.items[0]).toMatchObject({ importedFrom: 'hugging-face', writtenBy: 'wim' });
    const before = await eventsOf(id);
    for (const bad of ['---\na: &a [x]\nb: *a\n---\n', `---\na: ${'['.repeat(20_000)}\n---\n`, '---\ntags: 7\n---\n']) {
      expect(problem(await call('POST', card(id, '/imports'), { format: 'hugging-face', text: bad }))).toEqual({ status: 422, type: 'card-unreadable' });
    }
    expect(problem(await call('POST', card(id, '/imports'), { format: 'hugging-face', text: 'x'.repeat(400_001) }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await call('PUT', card(id), { summary: 'x'.repeat(16_385) }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await call('PUT', card(id), { sumary: 'x' }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(await eventsOf(id)).toEqual(before);
  });

  it('is none of a version that is not there, is deleted, or is in another project', async () => {
    const id = versions[2];
    await sql.query('select ledger.sequence(1000)'); // who serves is asked of the ledger's head
    expect((await call('DELETE', `/model-versions/${id}`)).status).toBe(200);
    expect(problem(await call('POST', card(id)))).toEqual({ status: 410, type: 'model-version-deleted' });
    expect(problem(await call('GET', `/model-versions/${id}/bom?format=spdx`))).toEqual({ status: 410, type: 'model-version-deleted' });
    expect((await call('GET', `/model-versions/${id}/bom?format=spdx&deleted=show`)).status).toBe(200);
    expect(problem(await call('POST', card('01890000-0000-7000-8000-00000000ffff')))).toEqual({ status: 404, type: 'model-version-not-found' });
    const elsewhere = await fetch(`${service.url}/v1/projects/other/model-versions/${versions[0]}/card`, { headers: { authorization: as('human/dana') } });
    expect(elsewhere.status).toBe(404);
  });

  it('is the same after its views were built anew from the ledger', async () => {
    expect((await sql.query('select 1 from registry.model_card')).rows.length).toBeGreaterThan(0);
    const same = (tables: readonly { readonly table: string }[]) => tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 }));
    await sql.query('select ledger.sequence(1000)');
    const { tables } = await rebuildViews(registry, database.url, { swap: false });
    expect(tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['model_card', 'model_card_revision']));
    expect(tables).toEqual(same(tables));
    expect(await rebuildViews(registry, database.url, { swap: true })).toMatchObject({ swapped: true });
  });
});

describe('What the registry knows, for the tools of others', () => {
  it('is a file with the right media type and name', async () => {
    const id = versions[3];
    const cyclonedx = await call('GET', `/model-versions/${id}/bom?format=cyclonedx&version=1.6`);
    expect(cyclonedx.headers.get('content-type')).toMatch(/^application\/vnd\.cyclonedx\+json; ?version=1\.6/);
    expect(cyclonedx.headers.get('content-disposition')).toBe('attachment; filename="credit-four-v1.cdx.json"');
    expect(cyclonedx.body).toMatchObject({ specVersion: '1.6', metadata: { component: { name: 'credit four', externalReferences: [{ type: 'vcs' }, { url: `${service.url}${BASE}/model-versions/${id}` }, {}] } } });
    expect((await call('GET', `/model-versions/${id}/bom?format=cyclonedx`)).body).toMatchObject({ specVersion: '1.7' });
    const spdx = await call('GET', `/model-versions/${id}/bom?format=spdx`);
    expect(spdx.headers.get('content-type')).toMatch(/^application\/spdx\+json/);
    expect(spdx.body['@graph'].map(({ type }: { type: string }) => type)).toContain('ai_AIPackage');
    const croissant = await call('GET', `/dataset-versions/${datasetVersionId}/croissant`);
    expect(croissant.headers.get('content-type')).toMatch(/^application\/ld\+json/);
    const [file] = croissant.body.distribution;
    const bytes = await (await fetch(file.contentUrl, { headers: { authorization: as('human/dana') } })).bytes();
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
    expect(`sha256:${file.sha256}`).toBe(csvDigest);
  });

  it('is refused in a format that there is not, and of what is not there', async () => {
    const id = versions[3];
    expect(problem(await call('GET', `/model-versions/${id}/bom`))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await call('GET', `/model-versions/${id}/bom?format=cyclonedx&version=1.5`))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await call('GET', `/dataset-versions/${id}/croissant`))).toEqual({ status: 404, type: 'dataset-version-not-found' });
  });
});

describe('Who asks', () => {
  const events = async (): Promise<unknown[]> => (await sql.query("select count(*)::integer as n from ledger.event where type not like 'vitae.access.%'")).rows;
  const asked = (authorization: string, method: string, path: string, body?: unknown): Promise<Answer> => call(method, path, body, undefined, { authorization });
  const maker = (project: 'alpha' | 'beta'): string => as('human/max', { roles: ['ml-engineer'], projects: [project] });
  const said = { name: 'scorer', task: 'ranking', useCaseId: '01890000-0000-7000-8000-000000000001' };

  it('is said by every request, a read and a download too', async () => {
    const before = await events();
    for (const [method, path] of [['GET', '/models'], ['POST', '/models'], ['GET', card(versions[0])], ['GET', `/artefacts/${csvDigest}`], ['HEAD', `/artefacts/${csvDigest}`], ['POST', '/artefacts'], ['GET', `/dataset-readings/${datasetVersionId}/events`], ['OPTIONS', '/artefact-uploads'], ['GET', '/openlineage']] as const) {
      const answer = await asked('', method, path);
      expect([method, path, answer.status, answer.headers.get('www-authenticate')]).toEqual([method, path, 401, 'Bearer realm="vitae"']);
      if (method !== 'HEAD') expect(problem(answer).type).toBe('credential-missing');
    }
    expect(await events()).toEqual(before);
  });

  it('reads as a viewer, and registers nothing', async () => {
    const viewer = as('human/vi', { roles: ['viewer'], projects: ['credit'] });
    for (const path of ['/models', `/model-versions/${versions[3]}`, `/artefacts/${csvDigest}`, `/lineage?node=model-version:${versions[3]}`]) expect([path, (await asked(viewer, 'GET', path)).status]).toEqual([path, 200]);
    const before = await events();
    const refused = await asked(viewer, 'POST', '/models', said);
    expect(refused).toMatchObject({ status: 403, body: { type: 'https://vitae.dev/problems/permission-missing', permissions: ['model.register'], projectId: 'credit', detail: expect.stringContaining('model.register on project credit') } });
    for (const [method, path, permissions] of [
      ['POST', '/artefacts', ['model.register', 'dataset.register', 'run.track']],
      ['PUT', `/dataset-versions/${datasetVersionId}/quarantine`, ['dataset.quarantine']],
      ['PUT', `/models/${versions[3]}/aliases/champion`, ['model.change']],
      ['POST', card(versions[3], '/approval'), ['card.review']],
    ] as const) {
      expect(await asked(viewer, method, path, {})).toMatchObject({ status: 403, body: { permissions } });
    }
    expect(await events()).toEqual(before);
  });

  it('has a right in one project and none in the next, where ids of the first lead nowhere', async () => {
    const { id } = (await asked(maker('alpha'), 'POST', '/v1/projects/alpha/models', said)).body;
    for (const [method, path] of [['GET', `/models/${id}`], ['POST', '/models'], ['GET', '/model-versions']] as const) {
      expect(await asked(maker('alpha'), method, `/v1/projects/beta${path}`, method === 'POST' ? said : undefined)).toMatchObject({ status: 403, body: { projectId: 'beta' } });
    }
    const before = await events();
    const strangers = [
      ['GET', `/models/${id}`], ['PUT', `/models/${id}/description`, { description: 'mine now' }], ['PUT', `/models/${id}/aliases/champion`, { version: 1 }],
      ['GET', `/model-versions/${versions[3]}`], ['GET', card(versions[3])], ['POST', card(versions[3])], ['GET', `/model-versions/${versions[3]}/bom?format=spdx`], ['POST', `/model-versions/${versions[3]}/evaluations`, { datasetVersionId }],
      ['GET', `/dataset-versions/${datasetVersionId}`], ['PUT', `/dataset-versions/${datasetVersionId}/quarantine`, { reason: 'x' }], ['GET', `/dataset-versions/${datasetVersionId}/croissant`],
    ] as const;
    for (const [method, path, body] of strangers) expect([method, path, (await asked(maker('beta'), method, `/v1/projects/beta${path}`, body)).status]).toEqual([method, path, 404]);
    // A digest opens nothing either, until the project brings the bytes itself.
    const bytes = await readFile(new URL('credit.csv', FIXTURES));
    const dataset = { digest: csvDigest, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' };
    for (const [method, path, body] of [['GET', `/artefacts/${csvDigest}`], ['HEAD', `/artefacts/${csvDigest}`], ['POST', '/datasets/taken/versions', dataset]] as const) expect([method, path, (await asked(maker('beta'), method, `/v1/projects/beta${path}`, body)).status]).toEqual([method, path, 404]);
    expect(await events()).toEqual(before);
    expect((await asked(maker('beta'), 'GET', '/v1/projects/beta/models')).body.items).toEqual([]);
    expect(await asked(maker('beta'), 'POST', '/v1/projects/beta/artefacts', bytes)).toMatchObject({ status: 201, body: { digest: csvDigest } });
    expect((await asked(maker('beta'), 'GET', `/v1/projects/beta/artefacts/${csvDigest}`)).status).toBe(200);
    expect((await asked(maker('beta'), 'POST', '/v1/projects/beta/datasets/brought/versions', dataset)).status).toBe(201);
  });

  it('reads what somebody wrote, unless as an auditor', async () => {
    const { id } = (await call('POST', '/models', { ...said, name: 'outdated' })).body;
    const reason = 'Frau Kaminski says that it is outdated';
    expect((await call('PUT', `/models/${id}/deprecation`, { reason })).status).toBe(200);
    const shown = async (authorization: string): Promise<unknown> => (await asked(authorization, 'GET', `/models/${id}`)).body.deprecation.reason;
    expect(await shown(as('human/vi', { roles: ['viewer'] }))).toBe(reason);
    expect(await shown(as('human/aud', { roles: ['auditor'] }))).toBe('[withheld]');
    expect((await sql.query(`select 1 from registry.model where deprecation::text like '%Kaminski%' union all select 1 from ledger.event where payload::text || metadata::text like '%Kaminski%'`)).rows).toEqual([]);
  });
});
