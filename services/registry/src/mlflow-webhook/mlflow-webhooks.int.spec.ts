import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { as, eventually } from '@vitae/testing';
import type pg from 'pg';
import { runRegistry, type RunningRegistry } from '../running-registry.fixture.ts';

interface Message {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

let running: RunningRegistry;
let pool: pg.Pool;
let receiver: Server;
let url: string;
const taken: Message[] = [];
/** What the receiver answers next; 200 when nothing is said. */
const answers: number[] = [];

beforeAll(async () => {
  running = await runRegistry({ VITAE_WEBHOOK_ALLOW_PRIVATE: 'true', VITAE_WEBHOOK_FIRST_RETRY_MS: '10' });
  pool = running.pool;
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      const status = answers.shift() ?? 200;
      if (status === 200) taken.push({ headers: request.headers, text, body: JSON.parse(text) });
      response.writeHead(status).end('seen');
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterAll(async () => {
  await running?.stop();
  receiver?.closeAllConnections();
  receiver?.close();
});
beforeEach(() => {
  taken.length = 0;
  answers.length = 0;
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
type Answer = { readonly status: number; readonly body: any };

const at = (project: string): string => `/t/${project}/api/2.0/mlflow`;
async function ask(method: string, path: string, parameters: object = {}, project = 'hooks'): Promise<Answer> {
  const query = method === 'GET' ? `?${new URLSearchParams(parameters as Record<string, string>)}` : '';
  const response = await fetch(`${running.service.url}${at(project)}${path}${query}`, { method, headers: { authorization: as('human/mlflow'), ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) }, ...(method === 'GET' ? {} : { body: JSON.stringify(parameters) }) });
  return { status: response.status, body: await response.json() };
}
async function done(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}
const event = (type: string) => ({ entity: type.split('.')[0]?.toUpperCase(), action: type.split('.')[1]?.toUpperCase() });
const subscribed = (events: readonly string[], more: object = {}, project = 'hooks'): Promise<Answer['body']> => done(ask('POST', '/webhooks', { name: 'w', url, events: events.map(event), ...more }, project)).then(({ webhook }) => webhook);
const told = () => taken.map(({ body: { entity, action, data } }) => [`${entity}.${action}`, data]);

describe('A webhook of MLflow', () => {
  it('is created, listed, changed, disabled and deleted; its secret is told nobody and is in no event and no row', async () => {
    const made = await subscribed(['registered_model.created', 'model_version.created'], { description: 'for the team', secret: 'very secret words' }, 'kept');
    expect(made).toEqual({ webhook_id: expect.any(String), name: 'w', description: 'for the team', url, events: [event('registered_model.created'), event('model_version.created')], status: 'ACTIVE', creation_timestamp: expect.any(Number), last_updated_timestamp: expect.any(Number) });
    const id = made.webhook_id;
    const changed = (await done(ask('PATCH', `/webhooks/${id}`, { name: 'other', events: [event('prompt.created')], status: 'DISABLED', secret: 'even more secret', description: '' }, 'kept'))).webhook;
    expect(changed).toMatchObject({ name: 'other', events: [event('prompt.created')], status: 'DISABLED', url });
    expect(changed).not.toHaveProperty('description');
    expect((await done(ask('PATCH', `/webhooks/${id}`, { status: 'ACTIVE' }, 'kept'))).webhook.status).toBe('ACTIVE');
    await subscribed(['prompt.created'], { name: 'second' }, 'kept');
    const first = await done(ask('GET', '/webhooks', { max_results: '1' }, 'kept'));
    const second = await done(ask('GET', '/webhooks', { max_results: '1', page_token: first.next_page_token }, 'kept'));
    expect([first, second].map(({ webhooks }) => webhooks[0].name)).toEqual(['other', 'second']);
    expect((await ask('GET', `/webhooks/${id}`, {}, 'other')).status).toBe(404);
    expect((await ask('PATCH', `/webhooks/${id}`, { name: 'x' }, 'other')).status).toBe(404);
    expect(await done(ask('DELETE', `/webhooks/${id}`, {}, 'kept'))).toEqual({});
    expect((await ask('GET', `/webhooks/${id}`, {}, 'kept')).body).toEqual({ error_code: 'RESOURCE_DOES_NOT_EXIST', message: `Webhook with ID ${id} not found.` });
    const { rows } = await pool.query(`select e.type, e.payload::text || e.metadata::text as text from ledger.event e where stream = $1 order by revision`, [`registry.MlflowWebhook-${id}`]);
    expect(rows.map(({ type }) => type.replace('vitae.registry.v1.MlflowWebhook', ''))).toEqual(['Created', 'Renamed', 'EventsReplaced', 'Described', 'SecretReplaced', 'Disabled', 'Enabled', 'Deleted']);
    expect(JSON.stringify(rows)).not.toContain('secret words');
    const kept = await pool.query(`select row_to_json(w)::text as text from registry.mlflow_webhook w`);
    expect(JSON.stringify(kept.rows)).not.toMatch(/secret words|more secret/);
  });

  it.each<[string, object, RegExp]>([
    ['no name', { name: '' }, /Missing value for required parameter 'name'/],
    ['no address', { url: '' }, /Missing value for required parameter 'url'/],
    ['an address that is none', { url: 'receiver' }, /no URL/],
    ['another scheme', { url: 'ftp://example.org/' }, /https/],
    ['a password in the address', { url: 'https://a:b@example.org/' }, /kept for ever/],
    ['no events', { events: [] }, /non-empty list/],
    ['events that there are not', { events: [{ entity: 'REGISTERED_MODEL', action: 'DELETED' }] }, /Invalid event 'registered_model.deleted'/],
    ['events that are texts', { events: ['registered_model.created'] }, /not JSON itself/],
    ['another status', { status: 'PAUSED' }, /PAUSED/],
  ])('is refused with %s', async (_, wrong, message) => {
    const { status, body } = await ask('POST', '/webhooks', { name: 'w', url, events: [event('prompt.created')], ...wrong });
    expect({ status, body }).toEqual({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringMatching(message) } });
  });

  it('tells of models, versions, tags and aliases in the order of the ledger, signed; of nothing before it, of no other project and of what it did not ask for', async () => {
    await done(ask('POST', '/registered-models/create', { name: 'before' }));
    const { webhook_id } = await subscribed(['registered_model.created', 'model_version.created', 'model_version_tag.set', 'model_version_tag.deleted', 'model_version_alias.created', 'model_version_alias.deleted'], { secret: 's€cret' });
    await done(ask('POST', '/registered-models/create', { name: 'credit' }, 'elsewhere'));
    await done(ask('POST', '/registered-models/create', { name: 'credit', description: 'bad?', tags: [{ key: 'team', value: 'risk' }] }));
    await done(ask('POST', '/model-versions/create', { name: 'credit', source: 's3://b/m', run_id: 'r1', tags: [{ key: 'a', value: '1' }] }));
    await done(ask('POST', '/model-versions/set-tag', { name: 'credit', version: '1', key: 'b', value: '2' }));
    await done(ask('DELETE', '/model-versions/delete-tag', { name: 'credit', version: '1', key: 'b' }));
    await done(ask('POST', '/registered-models/set-tag', { name: 'credit', key: 'untold', value: '1' }));
    await done(ask('POST', '/registered-models/alias', { name: 'credit', alias: 'champion', version: '1' }));
    await done(ask('DELETE', '/registered-models/alias', { name: 'credit', alias: 'champion' }));
    await eventually(() => expect(taken).toHaveLength(6));
    expect(told()).toEqual([
      ['registered_model.created', { name: 'credit', tags: { team: 'risk' }, description: 'bad?' }],
      ['model_version.created', { name: 'credit', version: '1', source: 's3://b/m', run_id: 'r1', tags: { a: '1' }, description: null }],
      ['model_version_tag.set', { name: 'credit', version: '1', key: 'b', value: '2' }],
      ['model_version_tag.deleted', { name: 'credit', version: '1', key: 'b' }],
      ['model_version_alias.created', { name: 'credit', alias: 'champion', version: '1' }],
      ['model_version_alias.deleted', { name: 'credit', alias: 'champion' }],
    ]);
    for (const { headers, text, body } of taken) {
      const [id, timestamp] = [headers['x-mlflow-delivery-id'], headers['x-mlflow-timestamp']];
      expect(headers['x-mlflow-signature']).toBe(`v1,${createHmac('sha256', 's€cret').update(`${id}.${timestamp}.${text}`).digest('base64')}`);
      expect(Math.abs(Number(timestamp) * 1_000 - Date.now())).toBeLessThan(120_000);
      expect(Date.parse(body.timestamp)).not.toBeNaN();
    }
    await done(ask('DELETE', `/webhooks/${webhook_id}`));
  });

  it('tells of prompts as prompts, and signs nothing without a secret', async () => {
    const prompts = ['prompt.created', 'prompt_version.created', 'prompt_tag.set', 'prompt_tag.deleted', 'prompt_version_tag.set', 'prompt_version_tag.deleted', 'prompt_alias.created', 'prompt_alias.deleted'];
    await subscribed([...prompts, 'registered_model.created', 'model_version.created'], {}, 'prompts');
    const is = { key: 'mlflow.prompt.is_prompt', value: 'true' };
    const p = (method: string, path: string, parameters: object) => done(ask(method, path, { name: 'greeting', ...parameters }, 'prompts'));
    await p('POST', '/registered-models/create', { tags: [is] });
    await p('POST', '/model-versions/create', { source: 'prompt-template', tags: [is, { key: 'mlflow.prompt.text', value: 'Hi {{name}}' }], description: 'first' });
    await p('POST', '/registered-models/set-tag', { key: 'a', value: '1' });
    await p('DELETE', '/registered-models/delete-tag', { key: 'a' });
    await p('POST', '/model-versions/set-tag', { version: '1', key: 'b', value: '1' });
    await p('DELETE', '/model-versions/delete-tag', { version: '1', key: 'b' });
    await p('POST', '/registered-models/alias', { alias: 'live', version: '1' });
    await p('DELETE', '/registered-models/alias', { alias: 'live' });
    await eventually(() => expect(taken).toHaveLength(8));
    expect(told().map(([type]) => type)).toEqual(prompts);
    expect(told()[1]?.[1]).toEqual({ name: 'greeting', version: '1', template: 'Hi {{name}}', tags: { 'mlflow.prompt.is_prompt': 'true', 'mlflow.prompt.text': 'Hi {{name}}' }, description: 'first' });
    expect(taken[0]?.headers).not.toHaveProperty('x-mlflow-signature');
  });

  it('tries again what fails, with the same id and in order, and gives up on a receiver that is gone', async () => {
    const { webhook_id } = await subscribed(['registered_model.created'], {}, 'failing');
    answers.push(500, 503);
    for (const name of ['one', 'two']) await done(ask('POST', '/registered-models/create', { name }, 'failing'));
    await eventually(() => expect(told().map(([, data]) => data.name)).toEqual(['one', 'two']));
    await eventually(async () => expect((await pool.query('select state, attempts from registry.mlflow_webhook_delivery where webhook_id = $1 order by index', [webhook_id])).rows).toEqual([{ state: 'delivered', attempts: 3 }, { state: 'delivered', attempts: 1 }]));
    answers.push(410);
    await done(ask('POST', '/registered-models/create', { name: 'three' }, 'failing'));
    await eventually(async () => expect((await done(ask('GET', `/webhooks/${webhook_id}`, {}, 'failing'))).webhook.status).toBe('DISABLED'));
    const { rows } = await pool.query(`select payload::jsonb as payload, metadata::jsonb -> 'actor' ->> 'id' as actor from ledger.event where stream = $1 and type like '%Disabled'`, [`registry.MlflowWebhook-${webhook_id}`]);
    expect(rows).toEqual([{ payload: { webhookId: webhook_id, failure: 'gone' }, actor: 'registry' }]);
    await done(ask('POST', '/registered-models/create', { name: 'untold' }, 'failing'));
    await done(ask('PATCH', `/webhooks/${webhook_id}`, { status: 'ACTIVE' }, 'failing'));
    await done(ask('POST', '/registered-models/create', { name: 'four' }, 'failing'));
    await eventually(() => expect(told().at(-1)?.[1]).toMatchObject({ name: 'four' }));
  });

  it('is tried out with an example', async () => {
    const { webhook_id } = await subscribed(['model_version.created', 'prompt.created'], { secret: 'k' }, 'tried');
    expect(await done(ask('POST', `/webhooks/${webhook_id}/test`, {}, 'tried'))).toEqual({ result: { success: true, response_status: 200, response_body: 'seen' } });
    await done(ask('POST', `/webhooks/${webhook_id}/test`, { event: event('prompt.created') }, 'tried'));
    expect(told().map(([type]) => type)).toEqual(['model_version.created', 'prompt.created']);
    answers.push(418);
    expect(await done(ask('POST', `/webhooks/${webhook_id}/test`, {}, 'tried'))).toMatchObject({ result: { success: false, response_status: 418 } });
    const nobody = await subscribed(['prompt.created'], { url: 'http://127.0.0.1:1/' }, 'tried');
    expect(await done(ask('POST', `/webhooks/${nobody.webhook_id}/test`, {}, 'tried'))).toEqual({ result: { success: false, error_message: expect.stringContaining('Failed to test webhook') } });
    expect((await ask('POST', `/webhooks/${webhook_id}/test`, { event: { entity: 'X', action: 'Y' } }, 'tried')).status).toBe(400);
    expect((await ask('POST', '/webhooks/nonsense/test', {}, 'tried')).status).toBe(404);
  });
});
