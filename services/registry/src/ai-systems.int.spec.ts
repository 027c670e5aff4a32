import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rebuildViews, type Running } from '@vitae/service-kit';
import { as } from '@vitae/testing';
import { registry } from './app.module.ts';
import { faults } from './exports/cyclonedx-schema.fixture.ts';
import { runRegistry, type RunningRegistry } from './running-registry.fixture.ts';

const FIXTURES = new URL('../../../test/fixtures/german-credit/', import.meta.url);
const USE_CASE = '01890000-0000-7000-8000-000000000001';
const NOBODY = '01890000-0000-7000-8000-0000000000ff';

let running: RunningRegistry;
let service: Running;

beforeAll(async () => {
  running = await runRegistry();
  ({ service } = running);
});
afterAll(() => running?.stop());

interface Answer {
  readonly status: number;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const address = path.startsWith('/api/') ? `${service.url}/t/credit${path}` : `${service.url}/v1/projects/credit${path}`;
  const response = await fetch(address, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined };
}

const problem = ({ status, body }: Answer) => ({ status, type: body?.type?.split('/').at(-1) });
async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, text, body } = await answer;
  if (status >= 300) throw new Error(`answered ${status} ${text}`);
  return body;
}
const newModel = async (name: string): Promise<string> => (await done(call('POST', '/models', { name, task: 'text-generation', useCaseId: USE_CASE }))).id;
const openApi = { provider: 'mistral', providerModelId: 'mistral-large', snapshot: '2411', access: 'api' };
const external = (modelId: string, more: object = {}) => call('POST', `/models/${modelId}/external-versions`, { ...openApi, ...more });
const prompt = async (name: string, ...texts: readonly string[]): Promise<string[]> => {
  await done(call('POST', '/prompts', { name }));
  const ids: string[] = [];
  for (const text of texts) ids.push((await done(call('POST', `/prompts/${name}/versions`, { text }))).id);
  return ids;
};
const guardrailContent = { kind: 'input', engine: 'presidio', configuration: { language: 'de' }, categories: ['pii'], thresholds: [{ name: 'score', value: 0.6 }], action: 'redact', failureMode: 'closed' };
const toolContent = { kind: 'http', label: '1.0.0', description: 'Looks up a loan.', inputSchema: { type: 'object' }, endpoint: 'https://tools.example.org/loans', effect: 'read', permissions: ['loans:read'], approvalRequired: false, owner: 'team-loans' };
async function published(what: 'guardrails' | 'tools', name: string, content: object): Promise<string> {
  const { id } = await done(call('POST', `/${what}`, { name, ...content }));
  await done(call('POST', `/${what}/${id}/publication`));
  return id;
}

describe("Somebody else's model", () => {
  it('is a version that names provider, place and terms, and lacks evidence', async () => {
    const modelId = await newModel('base');
    const weights = { location: 'https://huggingface.co/acme/base-7b', revision: '0fd2a1b', digest: `sha256:${'a'.repeat(64)}` };
    const said = { provider: 'huggingface', providerModelId: 'acme/base-7b', access: 'weights', weights, licence: 'apache-2.0', contextWindow: 32_768, inputModalities: ['text', 'image'], outputModalities: ['text'], regions: ['eu-central-1'], tags: [{ key: 'team', value: 'risk' }] };
    const { id } = await done(call('POST', `/models/${modelId}/external-versions`, said));
    const { tags: _, ...known } = said;
    expect(await done(call('GET', `/model-versions/${id}`))).toMatchObject({
      version: 1, external: { ...known, snapshot: '', terms: '' }, artefactSource: 'https://huggingface.co/acme/base-7b@0fd2a1b', tags: { team: 'risk' },
      evidenceMissing: ['artefact', 'interface', 'dataset', 'code'], derivedFrom: [], contributors: ['dana'],
    });
    expect((await done(call('GET', '/api/2.0/mlflow/model-versions/get?name=base&version=1'))).model_version).toMatchObject({ source: 'https://huggingface.co/acme/base-7b@0fd2a1b', status: 'READY' });
  });

  it('is refused with what does not fit', async () => {
    const modelId = await newModel('unfit');
    const weights = { location: 'https://huggingface.co/acme/base-7b', revision: 'main' };
    for (const more of [{ access: 'weights' }, { weights: { ...weights, revision: 'v1' } }, { access: 'weights', weights }, { access: 'weights', weights: { ...weights, revision: 'v1', location: '/home/me' } }, { inputModalities: ['smell'] }, { provider: '' }, { price: 1 }]) {
      expect(problem(await external(modelId, more))).toEqual({ status: 400, type: 'invalid-request' });
    }
    expect(problem(await external(NOBODY))).toEqual({ status: 404, type: 'model-not-found' });
    expect(problem(await external(modelId, { derivedFrom: [{ modelVersionId: NOBODY, relation: 'finetune' }] }))).toEqual({ status: 422, type: 'base-not-found' });
    expect(await done(call('GET', `/models/${modelId}/versions`))).toMatchObject({ items: [] });
  });

  it('is the base of others, which is seen from both', async () => {
    const [base, tuned, merged] = [await newModel('base-7b'), await newModel('tuned'), await newModel('merged')];
    const one = await done(external(base));
    const adapter = await done(external(tuned, { derivedFrom: [{ modelVersionId: one.id, relation: 'adapter', method: 'lora', rank: 16, alpha: 32, targetModules: ['q_proj', 'v_proj'] }] }));
    const small = await done(external(tuned, { derivedFrom: [{ modelVersionId: one.id, relation: 'quantized', method: 'awq', bits: 4 }] }));
    const both = await done(external(merged, { derivedFrom: [{ modelVersionId: adapter.id, relation: 'merge', weight: 0.7 }, { modelVersionId: small.id, relation: 'merge', weight: 0.3 }] }));
    expect(adapter.derivedFrom).toEqual([{ modelVersionId: one.id, modelId: base, modelName: 'base-7b', version: 1, relation: 'adapter', method: 'lora', rank: 16, alpha: 32, targetModules: ['q_proj', 'v_proj'], bits: 0, weight: 0 }]);
    const first = await done(call('GET', `/model-versions/${one.id}/derivatives?limit=1`));
    expect(first).toMatchObject({ items: [{ id: adapter.id, modelName: 'tuned', version: 1, relation: 'adapter' }] });
    expect(await done(call('GET', `/model-versions/${one.id}/derivatives?after=${first.next}`))).toMatchObject({ items: [{ id: small.id, relation: 'quantized' }] });
    expect((await done(call('GET', `/model-versions/${small.id}/derivatives`))).items).toMatchObject([{ id: both.id, relation: 'merge' }]);
    expect(problem(await call('GET', `/model-versions/${NOBODY}/derivatives`))).toEqual({ status: 404, type: 'model-version-not-found' });
    expect(problem(await external(merged, { derivedFrom: [{ modelVersionId: one.id, relation: 'merge' }] }))).toEqual({ status: 422, type: 'derivation-unfit' });
    await done(call('DELETE', `/model-versions/${small.id}`));
    expect(problem(await external(merged, { derivedFrom: [{ modelVersionId: small.id, relation: 'finetune' }] }))).toEqual({ status: 422, type: 'base-deleted' });
    expect((await done(call('GET', `/model-versions/${one.id}/derivatives`))).items).toHaveLength(1);
  });

  it('is the base of an adapter that lies elsewhere', async () => {
    const [base, modelId] = [await done(external(await newModel('with-adapter'))), await newModel('the-adapter')];
    const { id } = await done(call('POST', `/models/${modelId}/references`, { source: 'runs:/r1/adapter', runId: 'r1', derivedFrom: [{ modelVersionId: base.id, relation: 'adapter', rank: 8 }] }));
    expect(await done(call('GET', `/model-versions/${id}`))).toMatchObject({ artefactSource: 'runs:/r1/adapter', runId: 'r1', external: null, derivedFrom: [{ modelName: 'with-adapter', relation: 'adapter', rank: 8 }], evidenceMissing: ['artefact', 'interface', 'dataset', 'code'] });
    for (const source of ['adapter', '/home/me/adapter', 's3://me:secret@bucket/x']) expect(problem(await call('POST', `/models/${modelId}/references`, { source }))).toEqual({ status: 400, type: 'invalid-request' });
  });

  it('is what a version with bytes of ours was made from', async () => {
    const upload = async (name: string): Promise<string> => (await done(call('POST', '/artefacts', await readFile(new URL(name, FIXTURES))))).digest;
    const base = await done(external(await newModel('distilled-from')));
    const modelId = await newModel('distilled');
    const dataset = await done(call('POST', '/datasets/german-credit/versions', { digest: await upload('credit.csv'), mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' }));
    const said = { artefact: { digest: await upload('credit-v1.onnx'), path: 'model.onnx', format: 'onnx' }, datasetVersionId: dataset.id, source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' } };
    expect(problem(await call('POST', `/models/${modelId}/versions`, { ...said, derivedFrom: [{ modelVersionId: NOBODY, relation: 'finetune' }] }))).toEqual({ status: 422, type: 'base-not-found' });
    const { id, version } = await done(call('POST', `/models/${modelId}/versions`, { ...said, derivedFrom: [{ modelVersionId: base.id, relation: 'finetune', method: 'distillation' }] }));
    expect(version).toBe(1);
    expect(await done(call('GET', `/model-versions/${id}`))).toMatchObject({ external: null, evidenceMissing: [], derivedFrom: [{ modelVersionId: base.id, relation: 'finetune', method: 'distillation', modelName: 'distilled-from' }] });
  });
});

describe('A prompt', () => {
  it('is what MLflow loads, with variables, configuration and response format', async () => {
    await done(call('POST', '/prompts', { name: 'greeting', description: 'Says hello.', tags: [{ key: 'team', value: 'risk' }] }));
    const messages = [{ role: 'system', content: 'Be kind to {{name}}.' }, { role: 'user', content: '{{question}}' }];
    const responseFormat = { type: 'object', properties: { answer: { type: 'string' } } };
    const { id, digest } = await done(call('POST', '/prompts/greeting/versions', { messages, modelConfig: { model_name: 'mistral-large', temperature: 0.2, extra_params: { seed: 7 } }, responseFormat, commitMessage: 'First.', tags: [{ key: 'tone', value: 'kind' }] }));
    expect(await done(call('GET', '/prompts/greeting/versions/1'))).toMatchObject({
      id, digest, name: 'greeting', version: 1, state: 'registered', template: { type: 'chat', messages }, variables: ['name', 'question'], modelConfig: { model_name: 'mistral-large', temperature: 0.2, seed: 7 }, responseFormat, commitMessage: 'First.', tags: { tone: 'kind' }, registeredBy: 'dana',
    });
    const { model_version: known } = await done(call('GET', '/api/2.0/mlflow/model-versions/get?name=greeting&version=1'));
    expect(known).toMatchObject({ source: 'prompt-template', description: 'First.' });
    const tags = Object.fromEntries(known.tags.map(({ key, value }: { key: string; value: string }) => [key, value]));
    expect(tags).toEqual({
      'mlflow.prompt.is_prompt': 'true', _mlflow_prompt_type: 'chat', 'mlflow.prompt.text': JSON.stringify(messages), _mlflow_prompt_response_format: JSON.stringify(responseFormat),
      _mlflow_prompt_model_config: '{"model_name":"mistral-large","temperature":0.2,"seed":7}', tone: 'kind',
    });
    expect((await done(call('GET', '/prompts/greeting'))).tags).toEqual({ team: 'risk' });
  });

  it('is the same when MLflow wrote it, and shows what changed', async () => {
    const tag = (key: string, value: string) => ({ key, value });
    await done(call('POST', '/api/2.0/mlflow/registered-models/create', { name: 'from-mlflow', tags: [tag('mlflow.prompt.is_prompt', 'true')] }));
    for (const text of ['Answer {{question}}.\nBe brief.', 'Answer the {{question}}.\nBe brief.']) {
      await done(call('POST', '/api/2.0/mlflow/model-versions/create', { name: 'from-mlflow', source: 'prompt-template', description: 'by MLflow', tags: [tag('mlflow.prompt.is_prompt', 'true'), tag('_mlflow_prompt_type', 'text'), tag('mlflow.prompt.text', text)] }));
    }
    expect((await done(call('GET', '/prompts/from-mlflow/versions?orderBy=version%20DESC'))).items.map(({ version, commitMessage }: { version: number; commitMessage: string }) => [version, commitMessage])).toEqual([[2, 'by MLflow'], [1, 'by MLflow']]);
    expect(await done(call('GET', '/prompts/from-mlflow/diff?from=1&to=latest'))).toMatchObject({ from: 1, to: 2, same: false, messages: [{ is: 'changed', words: [{ is: 'same', text: 'Answer ' }, { is: 'added', text: 'the ' }, { is: 'same' }] }] });
    const unified = await call('GET', '/prompts/from-mlflow/diff?from=1&to=2&format=unified');
    expect(unified.text).toContain('--- from-mlflow/1\n+++ from-mlflow/2\n@@ -1,2 +1,2 @@\n-Answer {{question}}.\n+Answer the {{question}}.\n Be brief.\n');
    expect((await done(call('GET', `/prompts?filter=${encodeURIComponent("name LIKE 'from%'")}`))).items).toMatchObject([{ name: 'from-mlflow', latestVersion: 2 }]);
    expect((await done(call('GET', '/prompts'))).items.map(({ name }: { name: string }) => name)).toEqual(expect.not.arrayContaining(['base']));
  });

  it('has aliases', async () => {
    await prompt('with-alias', 'one', 'two');
    await done(call('PUT', '/prompts/with-alias/aliases/champion', { version: 1 }));
    expect(await done(call('GET', '/prompts/with-alias/versions/@champion'))).toMatchObject({ version: 1, aliases: ['champion'] });
    expect(await done(call('GET', '/prompts/with-alias'))).toMatchObject({ aliases: { champion: 1 } });
    await done(call('DELETE', '/prompts/with-alias/aliases/champion'));
    expect(problem(await call('GET', '/prompts/with-alias/versions/@champion'))).toEqual({ status: 404, type: 'prompt-version-not-found' });
    expect(problem(await call('PUT', '/prompts/with-alias/aliases/champion', { version: 9 }))).toEqual({ status: 404, type: 'model-version-not-found' });
  });

  it('keeps what it says, whoever wishes otherwise', async () => {
    const [id] = await prompt('lasting', 'one');
    expect(problem(await call('PUT', `/model-versions/${id}/tags/mlflow.prompt.text`, { value: 'two' }))).toEqual({ status: 409, type: 'prompt-written-once' });
    expect(await call('POST', '/api/2.0/mlflow/model-versions/set-tag', { name: 'lasting', version: '1', key: 'mlflow.prompt.text', value: 'two' })).toMatchObject({ status: 409, body: { error_code: 'RESOURCE_CONFLICT' } });
    expect(problem(await call('DELETE', `/model-versions/${id}/tags/_mlflow_prompt_type`))).toEqual({ status: 409, type: 'prompt-written-once' });
    await done(call('POST', '/api/2.0/mlflow/model-versions/set-tag', { name: 'lasting', version: '1', key: '_mlflow_prompt_model_config', value: '{"temperature":1}' }));
    await done(call('PUT', `/model-versions/${id}/tags/_mlflow_prompt_response_format_of_mine`, { value: 'x' }));
    expect(await done(call('GET', '/prompts/lasting/versions/1'))).toMatchObject({ template: { text: 'one' }, modelConfig: { temperature: 1 } });
  });

  it('is refused with a secret in it, by either API, and nothing is stored', async () => {
    await prompt('leaky');
    const text = `Call with sk-proj-${'a1B2'.repeat(12)}.`;
    expect(problem(await call('POST', '/prompts/leaky/versions', { text }))).toEqual({ status: 422, type: 'prompt-holds-secret' });
    const refused = await call('POST', '/api/2.0/mlflow/model-versions/create', { name: 'leaky', source: 'prompt-template', tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }, { key: 'mlflow.prompt.text', value: text }] });
    expect(refused).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(refused.text).not.toContain('a1B2');
    expect((await running.pool.query('select 1 from ledger.event where payload::text like $1', ['%a1B2a1B2%'])).rowCount).toBe(0);
    expect(await done(call('GET', '/prompts/leaky'))).toMatchObject({ latestVersion: null });
  });

  it('is refused when it is none', async () => {
    await newModel('no-prompt');
    expect(problem(await call('GET', '/prompts/no-prompt'))).toEqual({ status: 404, type: 'prompt-not-found' });
    expect(problem(await call('POST', '/prompts/no-prompt/versions', { text: 'hi' }))).toEqual({ status: 404, type: 'prompt-not-found' });
    expect(problem(await call('POST', '/prompts', { name: 'no-prompt' }))).toEqual({ status: 409, type: 'model-name-taken' });
    for (const body of [{}, { text: 'a', messages: [] }, { text: 'a', responseFormat: { type: 'integre' } }, { text: 'a', modelConfig: { temprature: 1 } }, { text: 'a', modelConfig: { extra_params: { temperature: 1 } } }, { text: 'x'.repeat(100_001) }]) {
      expect(problem(await call('POST', '/prompts/greeting/versions', body))).toEqual({ status: 400, type: 'invalid-request' });
    }
    for (const path of ['/prompts/a%20b', '/prompts/greeting/versions/0', '/prompts/greeting/diff?from=1', '/prompts/greeting/diff?from=1&to=1&format=pdf']) {
      expect(problem(await call('GET', path))).toEqual({ status: 400, type: 'invalid-request' });
    }
    expect(problem(await call('GET', '/prompts/greeting/versions/7'))).toEqual({ status: 404, type: 'prompt-version-not-found' });
    expect(problem(await call('GET', `/prompts?filter=${encodeURIComponent('colour = 1')}`))).toEqual({ status: 422, type: 'filter-malformed' });
  });
});

describe.each([
  ['guardrails', guardrailContent, { action: 'block' }],
  ['tools', toolContent, { effect: 'write' }],
] as const)('Of the %s each', (what, content, change) => {
  const kind = what.slice(0, -1);

  it('is drafted, published and ended revision by revision, and what is published stays', async () => {
    const drafted = await done(call('POST', `/${what}`, { name: `one of the ${what}`, ...content }));
    const { id } = drafted;
    expect(drafted).toMatchObject({ number: 1, state: 'draft' });
    await done(call('PUT', `/${what}/${id}/draft`, { ...content, description: 'Better said.' }));
    expect(await done(call('POST', `/${what}/${id}/publication`))).toMatchObject({ number: 1, state: 'active' });
    const { revision } = await done(call('POST', `/${what}/${id}/publication`));
    expect(await done(call('PUT', `/${what}/${id}/draft`, { ...content, ...change }))).toMatchObject({ number: 2, state: 'draft', revision: revision + 1 });
    expect(await done(call('GET', `/${what}/${id}/revisions/1`))).toMatchObject({ number: 1, state: 'active', content: { ...content, description: 'Better said.' } });
    expect(await done(call('GET', `/${what}/${id}/revisions/2`))).toMatchObject({ state: 'draft', content: { ...content, ...change } });
    await done(call('POST', `/${what}/${id}/publication`));
    await done(call('PUT', `/${what}/${id}/revisions/1/deprecation`, { reason: 'Too slow.' }));
    await done(call('PUT', `/${what}/${id}/revisions/1/retirement`, { reason: 'Gone.' }));
    expect((await done(call('GET', `/${what}/${id}`))).revisions).toMatchObject([{ number: 2, state: 'active', reason: null }, { number: 1, state: 'retired', reason: 'Gone.' }]);
    expect((await done(call('GET', `/${what}?limit=1`))).items).toMatchObject([{ id }]);
    const { rows } = await running.pool.query('select type, payload from ledger.event where stream like $1 order by revision', [`%-${id}`]);
    expect(rows.map(({ type }) => type.split('.').at(-1).replace(/^(Guardrail|Tool)/, ''))).toEqual(['Drafted', 'Drafted', 'Published', 'Drafted', 'Published', 'Deprecated', 'Retired']);
  });

  it('is refused when it does not fit', async () => {
    const id = await published(what, `unfit ${what}`, content);
    expect(problem(await call('POST', `/${what}`, { name: `unfit ${what}`, ...content }))).toEqual({ status: 409, type: `${kind}-name-taken` });
    expect(problem(await call('PUT', `/${what}/${id}/revisions/2/retirement`, { reason: 'x' }))).toEqual({ status: 404, type: `${kind}-revision-not-found` });
    expect(problem(await call('PUT', `/${what}/${id}/draft`, { ...content, description: `key AKIAIOSFODNN7EXAMPLE` }))).toEqual({ status: 422, type: `${kind}-holds-secret` });
    await done(call('PUT', `/${what}/${id}/revisions/1/retirement`, { reason: 'x' }));
    expect(problem(await call('PUT', `/${what}/${id}/revisions/1/deprecation`, { reason: 'x' }))).toEqual({ status: 409, type: `${kind}-revision-state` });
    expect(problem(await call('POST', `/${what}/${id}/publication`))).toEqual({ status: 409, type: `${kind}-nothing-drafted` });
    expect(problem(await call('GET', `/${what}/${NOBODY}`))).toEqual({ status: 404, type: `${kind}-not-found` });
    expect(problem(await call('POST', `/${what}/${NOBODY}/publication`))).toEqual({ status: 404, type: `${kind}-not-found` });
    for (const wrong of [{ kind: 'odd' }, { owner: '', engine: '' }, { configuration: 'x'.repeat(40_000), inputSchema: { type: 'odd' } }, { more: 1 }]) {
      expect(problem(await call('POST', `/${what}`, { name: 'x', ...content, ...wrong }))).toEqual({ status: 400, type: 'invalid-request' });
    }
  });
});

describe('A tool', () => {
  it('is imported from a server.json, and the next one is its next revision', async () => {
    const server = { $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json', name: 'io.example/loans', description: 'Loans.', version: '1.2.0', remotes: [{ type: 'streamable-http', url: 'https://mcp.example.org/loans' }] };
    const said = { effect: 'irreversible', permissions: ['loans:write'], approvalRequired: true, owner: 'team-loans' };
    const { id } = await done(call('POST', '/tools/imports', { server, ...said }));
    expect(await done(call('GET', `/tools/${id}/revisions/1`))).toMatchObject({ name: 'io.example/loans', content: { kind: 'mcp-server', label: '1.2.0', endpoint: 'https://mcp.example.org/loans', serverJson: server, ...said } });
    await done(call('POST', `/tools/${id}/publication`));
    expect(await done(call('POST', '/tools/imports', { server: { ...server, version: '1.3.0' }, ...said }))).toMatchObject({ id, number: 2, state: 'draft' });
    for (const wrong of [{ server: { name: 'x' }, ...said }, { server, effect: 'read' }, { server: { ...server, notes: 'x'.repeat(70_000) }, ...said }]) expect(problem(await call('POST', '/tools/imports', wrong))).toEqual({ status: 400, type: 'invalid-request' });
  });
});

describe('A version of an AI system', () => {
  /** A system of its own, with everything that it could be made of. */
  async function workshop(name: string) {
    const main = (await done(external(await newModel(`${name}-main`)))).id;
    const fallback = (await done(external(await newModel(`${name}-fallback`)))).id;
    const [prompt1, prompt2] = await prompt(`${name}-prompt`, 'Answer {{question}}.', 'Answer {{question}} briefly.');
    const guardrail = await published('guardrails', `${name} guardrail`, guardrailContent);
    const tool = await published('tools', `${name} tool`, toolContent);
    const { id } = await done(call('POST', '/ai-systems', { name, description: 'Answers questions about loans.', useCaseId: USE_CASE }));
    const parts = {
      models: [{ modelVersionId: main, role: 'main' }, { modelVersionId: fallback, role: 'fallback' }],
      prompts: [{ name: `${name}-prompt`, version: 1 }],
      guardrails: [{ guardrailId: guardrail, revision: 1 }],
      tools: [{ toolId: tool, revision: 1 }],
      parameters: { temperature: 0.2 },
    };
    return { id, main, fallback, prompt1: prompt1 ?? '', prompt2: prompt2 ?? '', guardrail, tool, parts, compose: (more: object = {}) => call('POST', `/ai-systems/${id}/versions`, { ...parts, ...more }) };
  }

  it('pins everything, and the same parts are the same composition', async () => {
    const { id, main, fallback, prompt1, guardrail, tool, parts, compose } = await workshop('assistant');
    const one = await done(compose({ description: 'First.', contributors: ['ben'] }));
    expect(one).toMatchObject({ version: 1, warnings: [] });
    const shown = await done(call('GET', `/ai-system-versions/${one.id}`));
    expect(shown).toMatchObject({ aiSystemName: 'assistant', state: 'composed', digest: one.digest, parameters: { temperature: 0.2 }, contributors: ['ben', 'dana'], description: 'First.' });
    expect(shown.components.map(({ kind, role, id: component, revision, name }: Answer['body']) => [kind, role, component, revision, name])).toEqual([
      ['model-version', 'fallback', fallback, 0, 'assistant-fallback'],
      ['model-version', 'main', main, 0, 'assistant-main'],
      ['prompt-version', 'system', prompt1, 0, 'assistant-prompt'],
      ['guardrail', '', guardrail, 1, 'assistant guardrail'],
      ['tool', '', tool, 1, 'assistant tool'],
    ]);
    expect(await done(call('GET', `/ai-systems/${id}/versions/1`))).toEqual(shown);
    const key = { 'idempotency-key': 'compose-once' };
    const [first, again] = [await call('POST', `/ai-systems/${id}/versions`, { ...parts, parameters: {} }, key), await call('POST', `/ai-systems/${id}/versions`, { ...parts, parameters: {} }, key)];
    expect([first.status, again.body.id]).toEqual([201, first.body.id]);
    await done(call('PUT', `/ai-system-versions/${first.body.id}/retirement`, { reason: 'Tried.' }));
    expect(problem(await compose({ models: [...parts.models].reverse(), description: 'The same.' }))).toEqual({ status: 409, type: 'already-composed' });
    await done(call('PUT', `/ai-system-versions/${one.id}/retirement`, { reason: 'Tried.' }));
    expect(await done(compose())).toMatchObject({ version: 3, digest: one.digest });
    expect((await done(call('GET', `/ai-systems/${id}/versions?limit=1`))).items).toMatchObject([{ version: 1, state: 'retired', reason: 'Tried.' }]);
    expect(await done(call('GET', `/ai-systems/${id}`))).toMatchObject({ name: 'assistant', latestVersion: 3 });
    const { rows } = await running.pool.query('select subjects from ledger.event where stream = $1', [`registry.AISystemVersion-${one.id}`]);
    expect(rows[0].subjects).toEqual(expect.arrayContaining([`ai-system:${id}`, `model-version:${main}`, `model-version:${prompt1}`, `guardrail:${guardrail}`, `tool:${tool}`, `use-case:${USE_CASE}`]));
  });

  it('is composed of what is there and in use, and the refusal names every part that is not', async () => {
    const { id, main, fallback, tool, guardrail, parts, compose } = await workshop('picky');
    await done(call('DELETE', `/model-versions/${fallback}`));
    await done(call('PUT', `/tools/${tool}/revisions/1/retirement`, { reason: 'x' }));
    await done(call('PUT', `/guardrails/${guardrail}/draft`, { ...guardrailContent, action: 'block' }));
    const refused = await compose({ guardrails: [{ guardrailId: guardrail, revision: 2 }], indices: [{ datasetVersionId: NOBODY }], evaluationSuites: [{ suiteId: NOBODY, revision: 3 }] });
    expect(problem(refused)).toEqual({ status: 422, type: 'component-unfit' });
    for (const named of ['model version picky-fallback 1 was deleted', 'tool picky tool 1 is retired', 'guardrail picky guardrail 2 is only a draft', `no dataset version ${NOBODY}`, `no evaluation suite ${NOBODY} in revision 3`]) expect(refused.body.detail).toContain(named);
    const models = [{ modelVersionId: main, role: 'main' }];
    for (const unfit of [{ models: [] }, { models: [{ modelVersionId: main, role: 'boss' }] }, { parameters: [] }, { parameters: { a: '\0' } }, { parameters: { a: '\ud800' } }, { more: 1 }]) expect(problem(await compose(unfit))).toEqual({ status: 400, type: 'invalid-request' });
    for (const unfit of [{ models: [{ modelVersionId: main, role: 'judge' }] }, { models: [...models, ...models] }, { tools: Array.from({ length: 28 }, () => ({ toolId: tool, revision: 1 })) }]) expect(problem(await compose(unfit))).toEqual({ status: 422, type: 'composition-unfit' });
    const { id: promptVersion } = await done(call('GET', '/prompts/picky-prompt/versions/1'));
    expect((await compose({ ...parts, models: [{ modelVersionId: promptVersion, role: 'main' }], tools: [] })).body.detail).toContain(`no model version ${promptVersion}`);
    expect(problem(await compose({ models, tools: [], prompts: [{ name: 'picky-prompt', version: 9 }] }))).toEqual({ status: 404, type: 'prompt-version-not-found' });
    expect(problem(await call('POST', `/ai-systems/${NOBODY}/versions`, parts))).toEqual({ status: 404, type: 'ai-system-not-found' });
    expect(problem(await call('POST', '/ai-systems', { name: 'picky', useCaseId: USE_CASE }))).toEqual({ status: 409, type: 'ai-system-name-taken' });
    expect(await done(call('GET', `/ai-systems/${id}`))).toMatchObject({ latestVersion: null });
  });

  it('keeps its models and prompts from being deleted until it is retired', async () => {
    const { main, prompt1, compose } = await workshop('holding');
    const { id } = await done(compose());
    const refused = await call('DELETE', `/model-versions/${main}`);
    expect(problem(refused)).toEqual({ status: 409, type: 'model-version-pinned' });
    expect(refused.body.detail).toContain('version 1 of holding pins version 1');
    const { modelId } = await done(call('GET', `/model-versions/${main}`));
    expect(problem(await call('DELETE', `/models/${modelId}`))).toEqual({ status: 409, type: 'model-pinned' });
    expect(await call('DELETE', '/api/2.0/mlflow/model-versions/delete', { name: 'holding-prompt', version: '1' })).toMatchObject({ status: 409, body: { error_code: 'RESOURCE_CONFLICT' } });
    await done(call('PUT', `/ai-system-versions/${id}/deprecation`, { reason: 'Old.' }));
    expect(problem(await call('DELETE', `/model-versions/${prompt1}`))).toEqual({ status: 409, type: 'model-version-pinned' });
    expect(await done(call('PUT', `/ai-system-versions/${id}/retirement`, { reason: 'Older.' }))).toMatchObject({ state: 'retired' });
    expect(problem(await call('PUT', `/ai-system-versions/${id}/deprecation`, { reason: 'Old.' }))).toEqual({ status: 409, type: 'ai-system-version-retired' });
    await done(call('DELETE', `/model-versions/${main}`));
    expect((await done(call('GET', `/ai-system-versions/${id}`))).warnings).toMatchObject([{ warning: 'model version holding-main 1 was deleted' }]);
  });

  it('is composed or its model is deleted, never both', async () => {
    const { fallback, compose } = await workshop('racing');
    const [composed, deleted] = await Promise.all([compose(), call('DELETE', `/model-versions/${fallback}`)]);
    expect([composed.status, deleted.status]).toEqual(composed.status === 201 ? [201, 409] : [422, 200]);
  });

  it('warns of parts that should not be used any more', async () => {
    const { prompt1, guardrail, tool, compose } = await workshop('warned');
    const { id } = await done(compose());
    await done(call('PUT', `/model-versions/${prompt1}/deprecation`, { reason: 'Rude.' }));
    await done(call('PUT', `/guardrails/${guardrail}/revisions/1/deprecation`, { reason: 'Slow.' }));
    await done(call('PUT', `/tools/${tool}/revisions/1/retirement`, { reason: 'Gone.' }));
    await done(call('PUT', `/model-versions/${prompt1}/tags/_mlflow_prompt_model_config`, { value: '{"temperature":2}' }));
    expect((await done(call('GET', `/ai-system-versions/${id}`))).warnings.map(({ warning }: { warning: string }) => warning)).toEqual([
      'prompt version warned-prompt 1 is deprecated',
      'prompt version warned-prompt 1 is not run as it was when it was pinned: how its model is configured was changed',
      'guardrail warned guardrail 1 is deprecated',
      'tool warned tool 1 is retired',
    ]);
  });

  it('differs from another one part by part, down to the words of a prompt', async () => {
    const { id, fallback, prompt1, prompt2, parts, compose } = await workshop('changing');
    await done(compose());
    await done(compose({ models: parts.models.slice(0, 1), prompts: [{ name: 'changing-prompt', version: 2 }], parameters: { temperature: 0.7 } }));
    const diff = await done(call('GET', `/ai-systems/${id}/diff?from=1&to=2`));
    expect(diff).toMatchObject({
      from: 1, to: 2, same: false, parameters: [{ path: '/temperature', from: 0.2, to: 0.7 }],
      components: [
        { is: 'removed', kind: 'model-version', role: 'fallback', name: 'changing-fallback', from: { id: fallback } },
        { is: 'changed', kind: 'prompt-version', role: 'system', name: 'changing-prompt', from: { id: prompt1 }, to: { id: prompt2 }, prompt: { same: false, messages: [{ is: 'changed' }] } },
      ],
    });
    expect(await done(call('GET', `/ai-systems/${id}/diff?from=2&to=2`))).toMatchObject({ same: true, components: [] });
    expect(problem(await call('GET', `/ai-systems/${id}/diff?from=2&to=9`))).toEqual({ status: 404, type: 'ai-system-version-not-found' });
  });

  it('is exported as CycloneDX, which its official schema finds right', async () => {
    const { compose } = await workshop('exported');
    const { id } = await done(compose());
    for (const version of ['1.6', '1.7'] as const) {
      const bom = await done(call('GET', `/ai-system-versions/${id}/bom?format=cyclonedx&version=${version}`));
      expect(bom.components).toMatchObject([{ name: 'exported-fallback', type: 'machine-learning-model', supplier: { name: 'mistral' } }, { name: 'exported-main' }, { name: 'exported-prompt' }, { name: 'exported guardrail' }, { name: 'exported tool', type: 'application' }]);
      expect(faults(version, bom)).toBeNull();
    }
    expect(problem(await call('GET', `/ai-system-versions/${NOBODY}/bom?format=cyclonedx`))).toEqual({ status: 404, type: 'ai-system-version-not-found' });
    expect(problem(await call('GET', `/ai-system-versions/${id}/bom?format=spdx`))).toEqual({ status: 400, type: 'invalid-request' });
  });

  it('is found by what it pins', async () => {
    const { id, main, tool, guardrail, compose } = await workshop('found');
    const { id: version } = await done(compose());
    const pinning = async (pins: string) => (await done(call('GET', `/ai-systems?pins=${encodeURIComponent(pins)}`))).items;
    for (const pins of [`model-version:${main}`, `tool:${tool}`, `tool:${tool}@1`, `guardrail:${guardrail}`, 'prompt:found-prompt', 'prompt:found-prompt/1']) {
      expect(await pinning(pins)).toMatchObject([{ id, pinnedIn: [{ id: version, version: 1, state: 'composed' }] }]);
    }
    for (const pins of [`tool:${tool}@2`, 'prompt:found-prompt/2', 'prompt:nobody', `dataset-version:${main}`]) expect(await pinning(pins)).toEqual([]);
    for (const pins of ['tool:x', 'colour:red', '']) expect(problem(await call('GET', `/ai-systems?pins=${pins}`))).toEqual({ status: 422, type: 'pins-malformed' });
    expect((await done(call('GET', '/ai-systems'))).items.length).toBeGreaterThan(1);
  });
});

describe('The views', () => {
  it('say what the ledger says, and are the same after a rebuild', async () => {
    await running.relay();
    const compared = await rebuildViews(registry, running.database.url, { swap: false });
    expect(compared.tables.map(({ table }) => table)).toEqual(expect.arrayContaining(['guardrail', 'guardrail_revision', 'tool', 'tool_revision', 'ai_system', 'ai_system_version', 'ai_system_pin', 'model_version']));
    expect(compared.tables).toEqual(compared.tables.map(({ table }) => expect.objectContaining({ table, unfounded: 0, missing: 0 })));
  });
});
