import { Refused } from '@vitae/event-store';
import { jsonOf, type Json } from '../json.ts';
import type { Tags } from '../tags.ts';

// A prompt is kept as MLflow's clients keep it: a model with a tag, its versions by reference, the text in tags. So there is one
// truth for both APIs, and no third.

const IS_PROMPT = 'mlflow.prompt.is_prompt';
const TEXT = 'mlflow.prompt.text';
const TYPE = '_mlflow_prompt_type';
const RESPONSE_FORMAT = '_mlflow_prompt_response_format';
const MODEL_CONFIG = '_mlflow_prompt_model_config';

/** What MLflow writes where a version's source stands. */
export const PROMPT_SOURCE = 'prompt-template';

/** Tags that hold what the prompt is. They are not shown among its tags. */
const CONTENT: readonly string[] = [IS_PROMPT, TEXT, TYPE, RESPONSE_FORMAT, MODEL_CONFIG];
/** Of these, those that are written once. MLflow's client may set a model's configuration anew. */
const WRITTEN_ONCE: readonly string[] = [IS_PROMPT, TEXT, TYPE, RESPONSE_FORMAT];
const MAY_HOLD_SECRETS: readonly string[] = [TEXT, RESPONSE_FORMAT, MODEL_CONFIG];

export interface Message {
  readonly role: string;
  readonly content: string;
}
export interface PromptContent {
  readonly template: { readonly type: 'text'; readonly text: string } | { readonly type: 'chat'; readonly messages: readonly Message[] };
  /** Which model to ask, and how; null when nothing is said. */
  readonly modelConfig: Json;
  /** JSON Schema of what comes back; null when anything may. */
  readonly responseFormat: Json;
}

type TagList = readonly { readonly key: string; readonly value: string }[];

export const promptTags: TagList = [{ key: IS_PROMPT, value: 'true' }];

export function tagsOfContent({ template, modelConfig, responseFormat }: PromptContent): TagList {
  return [
    ...promptTags,
    { key: TYPE, value: template.type },
    { key: TEXT, value: template.type === 'text' ? template.text : JSON.stringify(template.messages) },
    ...(responseFormat === null ? [] : [{ key: RESPONSE_FORMAT, value: JSON.stringify(responseFormat) }]),
    ...(modelConfig === null ? [] : [{ key: MODEL_CONFIG, value: JSON.stringify(modelConfig) }]),
  ];
}

/** What a version's tags say; whoever wrote them. Undefined when it is no version of a prompt. */
export function contentOfTags(tags: Readonly<Record<string, string>>): PromptContent | undefined {
  const text = tags[TEXT];
  if (text === undefined) return undefined;
  const messages = tags[TYPE] === 'chat' ? messagesOf(text) : undefined;
  return {
    template: messages ? { type: 'chat', messages } : { type: 'text', text },
    modelConfig: jsonOf(tags[MODEL_CONFIG]) ?? null,
    responseFormat: jsonOf(tags[RESPONSE_FORMAT]) ?? null,
  };
}

export const otherTags = (tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(tags).filter(([key]) => !CONTENT.includes(key)));

/** MLflow lets a content be a list of parts; here each is told as text. */
function messagesOf(text: string): readonly Message[] | undefined {
  const list = jsonOf(text);
  if (!Array.isArray(list)) return undefined;
  return (list as readonly Json[]).map((message) => {
    const { role, content }: { readonly [name: string]: Json } = typeof message === 'object' && message !== null && !Array.isArray(message) ? (message as { readonly [name: string]: Json }) : { content: message };
    return { role: typeof role === 'string' ? role : '', content: typeof content === 'string' ? content : JSON.stringify(content ?? '') };
  });
}

/** The names in double braces that are filled in when the prompt is used, each once, in order. */
export function variablesOf({ template }: PromptContent): readonly string[] {
  const texts = template.type === 'text' ? [template.text] : template.messages.map(({ content }) => content);
  const found = texts.flatMap((text) => [...text.matchAll(/\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*\}\}/g)].map(([, name]) => name ?? ''));
  return [...new Set(found)];
}

/**
 * What a prompt says is not changed under whoever uses it.
 * @param value what the tag should be; undefined when it should go.
 * @throws Refused PROMPT_WRITTEN_ONCE.
 */
export function promptStaysAsItIs(tags: Tags, key: string, value: string | undefined, version: number): void {
  if (!tags.has(TEXT) || !WRITTEN_ONCE.includes(key) || tags.get(key) === value) return;
  throw new Refused('PROMPT_WRITTEN_ONCE', `${key} is what version ${version} of the prompt says, and that is written once. Register another version.`, 409);
}

/**
 * What is appended cannot be taken back, so a key is kept out.
 * @throws Refused PROMPT_HOLDS_SECRET. It names the kind of secret, and never shows it.
 */
export function promptHoldsNoSecret(tags: TagList): void {
  for (const { key, value } of tags) {
    const found = MAY_HOLD_SECRETS.includes(key) ? secretIn(value) : undefined;
    if (found) throw new Refused('PROMPT_HOLDS_SECRET', `${key} holds what looks like ${found}. It would be kept for ever, so nothing was stored: put a variable such as {{api_key}} in its place, and change that key, which was sent over the wire.`, 422);
  }
}

/** Forms that are nothing else than secrets. What only might be one is let through. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/, 'a private key'],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, 'an AWS access key'],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{60,}\b/, 'a GitHub token'],
  [/\bglpat-[A-Za-z0-9_-]{20,}/, 'a GitLab token'],
  [/\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{32,}/, 'an API key of a model provider'],
  [/\bhf_[A-Za-z0-9]{30,}\b/, 'a Hugging Face token'],
  [/\bAIza[0-9A-Za-z_-]{35}/, 'a Google API key'],
  [/\bxox[abeoprs]-[0-9A-Za-z-]{20,}/, 'a Slack token'],
  [/\bey[JI][A-Za-z0-9_-]{10,2000}\.ey[JI][A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{16}/, 'a JSON Web Token'],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@{}]{1,100}:[^\s/:@{}]{1,200}@/i, 'an address with a password in it'],
];

export const secretIn = (text: string): string | undefined => SECRETS.find(([form]) => form.test(text))?.[1];

export const promptNotFound = (name: string): Refused => new Refused('PROMPT_NOT_FOUND', `There is no prompt named ${name} in this project. GET …/prompts lists those that are.`, 404);

export const promptVersionNotFound = (name: string, said: string): Refused => new Refused('PROMPT_VERSION_NOT_FOUND', `The prompt ${name} has no version ${said}. GET …/prompts/${name}/versions lists those that it has.`, 404);
