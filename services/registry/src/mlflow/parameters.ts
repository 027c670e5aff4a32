import type { z } from 'zod';
import { plainText } from '../request.ts';
import { MOST_TAGS, newTags, tagKey, tagValue } from '../tags.ts';
import { invalid, parameterMissing } from './mlflow-error.ts';

/** What a request says: the fields of its JSON body, or its query. Fields that nobody asks for are ignored. */
export type Parameters = Readonly<Record<string, unknown>>;

/** Some clients send the object once more as a JSON text. @throws MlflowError. */
export function parametersOf(body: unknown): Parameters {
  const value = typeof body === 'string' ? reparsed(body) : body;
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid('The body of the request is not a JSON object.');
  return value as Parameters;
}

function reparsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('The body of the request is a text that is not JSON itself.');
  }
}

/** Empty when it is not there; numbers count as texts, for versions are sent as both. */
export function textOf(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw invalid(`Invalid value ${shown(value)} for parameter '${name}' supplied: a string is expected.`);
  return value;
}

export function requiredText(parameters: Parameters, name: string): string {
  const value = textOf(parameters, name);
  if (value === '') throw parameterMissing(name);
  return value;
}

/** Text that fits into what keeps it. */
export function boundedText(parameters: Parameters, name: string, most: number): string {
  return fitting(plainText.max(most, `It has more than ${most} characters.`), textOf(parameters, name), name);
}

/** A query names a list by repeating its key; one value is a list of one. */
export function listOf(parameters: Parameters, name: string): readonly string[] {
  const value = parameters[name];
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((one) => typeof one === 'string')) throw invalid(`Invalid value for parameter '${name}' supplied: a list of strings is expected.`);
  return list as readonly string[];
}

export function flagOf(parameters: Parameters, name: string): boolean {
  const value = parameters[name];
  return value === true || value === 'true';
}

/** How many results are wanted. @throws MlflowError beyond 1 to `most`. */
export function limitOf(parameters: Parameters, otherwise: number, most: number): number {
  const said = textOf(parameters, 'max_results');
  if (said === '') return otherwise;
  const limit = Number(said);
  if (!Number.isInteger(limit) || limit < 1 || limit > most) throw invalid(`Invalid value for request parameter max_results. It must be at least 1 and at most ${most}, but got value ${said.slice(0, 50)}`);
  return limit;
}

/** The number of a version; MLflow writes it as a text. */
export function versionOf(parameters: Parameters): number {
  const said = requiredText(parameters, 'version');
  if (!/^\d{1,9}$/.test(said)) throw invalid(`Model version must be an integer, got '${said.slice(0, 100)}'.`);
  return Number(said);
}

/** Tags of something new; of a key that comes twice the last value counts. */
export function tagsOf(parameters: Parameters): { key: string; value: string }[] {
  const said = parameters['tags'];
  if (said === undefined || said === null) return [];
  if (!Array.isArray(said)) throw invalid("Invalid value for parameter 'tags' supplied: a list of { key, value } is expected.");
  const tags = new Map(said.map((one: unknown) => [requiredText(parametersOf(one), 'key'), textOf(parametersOf(one), 'value')] as const));
  if (tags.size > MOST_TAGS) throw invalid(`There are ${tags.size} tags, and more than ${MOST_TAGS} are not kept.`);
  return fitting(newTags, [...tags].map(([key, value]) => ({ key, value })), 'tags');
}

export const keyOf = (parameters: Parameters): string => fitting(tagKey, requiredText(parameters, 'key'), 'key');
export const valueOf = (parameters: Parameters): string => fitting(tagValue, textOf(parameters, 'value'), 'value');

export function fitting<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(`Invalid value for parameter '${name}' supplied: ${parsed.error.issues[0]?.message ?? 'it does not fit'}`);
}

/** A wrong value in few words; what is nested is not looked into, for it may be nested without end. */
export const shown = (value: unknown): string => (Array.isArray(value) ? 'a list' : typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 200));

/** Text that PostgreSQL can be asked with. */
export const parameterText = (said: string): string => fitting(plainText, said, 'value');
