import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ModelVersionReferencedSchema, ModelVersionTaggedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { jsonSchema } from '../json-schema.ts';
import { modelVersion } from '../model-version/model-version.ts';
import type { ReferenceModelVersion } from '../model-version/model-version-command.ts';
import { NewPromptVersion } from './new-prompt.ts';
import { contentOfTags, otherTags, PROMPT_SOURCE, secretIn, tagsOfContent, variablesOf, type PromptContent } from './prompt.ts';

const given = specification(modelVersion);
const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;
const byKey = (tags: readonly { readonly key: string; readonly value: string }[]) => Object.fromEntries(tags.map(({ key, value }) => [key, value]));

const text: PromptContent = { template: { type: 'text', text: 'Answer {{ question }} for {{user.name}}, {{question}}!' }, modelConfig: { temperature: 0.2 }, responseFormat: { type: 'object' } };
const chat: PromptContent = { template: { type: 'chat', messages: [{ role: 'system', content: 'You judge {{loan}}.' }, { role: 'user', content: 'Hello' }] }, modelConfig: null, responseFormat: null };

const said = { modelVersionId: id(1), modelId: id(2), modelName: 'greeting', useCaseId: '', version: 1, source: PROMPT_SOURCE, location: PROMPT_SOURCE, copiedFromModelVersionId: '', runId: '', runLink: '', loggedModelId: '', description: '' };
const register = (tags: ReferenceModelVersion['tags']): ReferenceModelVersion => ({ ...said, type: 'ReferenceModelVersion', registeredBy: 'dana', derivedFrom: [], tags });
const referenced = create(ModelVersionReferencedSchema, { ...said, contributors: ['dana'] });
const tagged = (key: string, value: string) => create(ModelVersionTaggedSchema, { modelVersionId: id(1), modelId: id(2), version: 1, key, value });
const written = [referenced, ...tagsOfContent(text).map(({ key, value }) => tagged(key, value))];

describe('What a prompt says', () => {
  it('is in tags as MLflow writes them, and read back as it was', () => {
    for (const content of [text, chat]) expect(contentOfTags(byKey(tagsOfContent(content)))).toEqual(content);
    expect(byKey(tagsOfContent(chat))).toEqual({
      'mlflow.prompt.is_prompt': 'true',
      _mlflow_prompt_type: 'chat',
      'mlflow.prompt.text': '[{"role":"system","content":"You judge {{loan}}."},{"role":"user","content":"Hello"}]',
    });
  });
  it('is told also when somebody else wrote it otherwise', () => {
    expect(contentOfTags({ team: 'risk' })).toBeUndefined();
    expect(contentOfTags({ 'mlflow.prompt.text': 'hi' })?.template).toEqual({ type: 'text', text: 'hi' });
    expect(contentOfTags({ 'mlflow.prompt.text': 'no list', _mlflow_prompt_type: 'chat', _mlflow_prompt_model_config: '{' })).toEqual({ template: { type: 'text', text: 'no list' }, modelConfig: null, responseFormat: null });
    const parts = JSON.stringify([{ role: 'user', content: [{ type: 'text', text: 'hi' }] }, 'odd']);
    expect(contentOfTags({ 'mlflow.prompt.text': parts, _mlflow_prompt_type: 'chat' })?.template).toEqual({ type: 'chat', messages: [{ role: 'user', content: '[{"type":"text","text":"hi"}]' }, { role: '', content: 'odd' }] });
  });
  it('is told where its JSON is none that could be hashed or kept', () => {
    for (const odd of ['{"a":"\\ud800"}', '{"\\u0000":1}', '{"a":1e999}', '['.repeat(40_000) + ']'.repeat(40_000)]) {
      expect(contentOfTags({ 'mlflow.prompt.text': odd, _mlflow_prompt_type: 'chat', _mlflow_prompt_model_config: odd, _mlflow_prompt_response_format: odd })).toEqual({ template: { type: 'text', text: odd }, modelConfig: null, responseFormat: null });
    }
  });
  it('has its variables in double braces', () => {
    expect(variablesOf(text)).toEqual(['question', 'user.name']);
    expect(variablesOf(chat)).toEqual(['loan']);
    expect(variablesOf({ ...text, template: { type: 'text', text: '{x} {{1a}} {{ }} {{a b}}' } })).toEqual([]);
  });
  it('is not among its tags', () => expect(otherTags({ ...byKey(tagsOfContent(text)), team: 'risk' })).toEqual({ team: 'risk' }));
  it('is written once; how its model is run is not', () => {
    given([]).when(register(tagsOfContent(text))).then(written);
    given(written).when({ type: 'TagModelVersion', key: 'mlflow.prompt.text', value: 'Something else' }).thenRefused('PROMPT_WRITTEN_ONCE');
    given(written).when({ type: 'TagModelVersion', key: 'mlflow.prompt.text', value: 'Answer {{ question }} for {{user.name}}, {{question}}!' }).then([]);
    given(written).when({ type: 'RemoveModelVersionTag', key: 'mlflow.prompt.is_prompt' }).thenRefused('PROMPT_WRITTEN_ONCE');
    given(written).when({ type: 'TagModelVersion', key: '_mlflow_prompt_model_config', value: '{}' }).then([tagged('_mlflow_prompt_model_config', '{}')]);
    given([referenced]).when({ type: 'TagModelVersion', key: 'mlflow.prompt.text', value: 'now' }).then([tagged('mlflow.prompt.text', 'now')]);
  });
});

describe('A secret', () => {
  const KEY = `sk-proj-${'a1B2'.repeat(12)}`;
  it('is never registered with a prompt', () => {
    given([]).when(register(tagsOfContent({ ...text, template: { type: 'text', text: `Call with ${KEY}` } }))).thenRefused('PROMPT_HOLDS_SECRET');
    given(written).when({ type: 'TagModelVersion', key: '_mlflow_prompt_model_config', value: JSON.stringify({ extra_params: { api_key: KEY } }) }).thenRefused('PROMPT_HOLDS_SECRET');
  });
  it.each([
    ['-----BEGIN RSA PRIVATE KEY-----', 'a private key'],
    ['AKIAIOSFODNN7EXAMPLE', 'an AWS access key'],
    [`ghp_${'x'.repeat(36)}`, 'a GitHub token'],
    [`hf_${'x'.repeat(34)}`, 'a Hugging Face token'],
    ['postgresql://app:hunter2@db.internal/x', 'an address with a password in it'],
    [`eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(20)}`, 'a JSON Web Token'],
  ])('is known by its form: %s', (secret, kind) => expect(secretIn(`use ${secret} here`)).toBe(kind));
  it('is not seen in what only speaks of one', () => {
    for (const harmless of ['Use {{api_key}}.', 'sk-learn is a library', 'https://example.org/a:b@c', 'the key begins with sk-', 'postgresql://{{user}}:{{password}}@host']) expect(secretIn(harmless)).toBeUndefined();
  });
});

describe('A new version of a prompt', () => {
  const fault = (body: object): string | undefined => NewPromptVersion.safeParse(body).error?.issues[0]?.message;
  it('is a text or messages', () => {
    expect(fault({ text: 'hi' })).toBeUndefined();
    expect(fault({})).toBe('Say either text or messages.');
    expect(fault({ text: 'hi', messages: [{ role: 'user', content: 'hi' }] })).toBe('Say either text or messages.');
  });
  it('holds no tags that are the prompt itself, and no more than fits', () => {
    expect(fault({ text: 'hi', tags: [{ key: 'mlflow.prompt.text', value: 'ho' }] })).toMatch(/not set by hand/);
    expect(fault({ text: 'x'.repeat(100_001) })).toBe('At most 100000 bytes.');
    expect(fault({ messages: [{ role: 'user', content: 'x'.repeat(60_000) }, { role: 'user', content: 'x'.repeat(60_000) }] })).toMatch(/together/);
  });
  it('names a response format that is a JSON Schema', () => {
    expect(fault({ text: 'hi', responseFormat: { type: 'object', properties: { rate: { type: 'number' } } } })).toBeUndefined();
    expect(fault({ text: 'hi', responseFormat: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' } })).toBeUndefined();
    expect(fault({ text: 'hi', responseFormat: { type: 'integre' } })).toMatch(/No JSON Schema/);
    expect(fault({ text: 'hi', responseFormat: 'object' })).toMatch(/is an object/);
    expect(fault({ text: 'hi', responseFormat: { $schema: 'https://example.org/mine' } })).toMatch(/neither/);
    expect(fault({ text: 'hi', modelConfig: { stop_sequences: ['\ud800'] } })).toMatch(/whole characters/);
    expect(fault({ text: 'hi', modelConfig: { extra_params: { a: '\0' } } })).toMatch(/whole Unicode/);
    let deep: object = {};
    for (let i = 0; i < 40; i += 1) deep = { properties: deep };
    expect(jsonSchema(10_000).safeParse(deep).success).toBe(false);
  });
});
