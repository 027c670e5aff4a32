import type { DatasetRead, KeyValue, Point } from '../run/run.ts';
import { uuidOf, uuidOfModel } from '../run/tracking-id.ts';
import { invalid, MlflowError, parameterMissing } from './mlflow-error.ts';
import { boundedText, fitting, parametersOf, requiredText, shown, textOf, type Parameters } from './parameters.ts';
import { plainText } from '../request.ts';

// What the tracking half of MLflow asks with. Limits are MLflow's.

export const MOST_METRICS = 1_000;
export const MOST_PARAMS_OR_TAGS = 100;
const LONGEST_KEY = 250;
const LONGEST_PARAM = 6_000;
const LONGEST_TAG = 8_000;

/** Objects in a list; none when it is not there. */
export function objectsOf(parameters: Parameters, name: string): readonly Parameters[] {
  const value = parameters[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`Invalid value ${shown(value)} for parameter '${name}' supplied: a list is expected.`);
  return value.map((one: unknown) => parametersOf(one));
}

/** A whole number; clients write int64 as a number or as a text. Undefined when it is not there. */
export function integerOf(parameters: Parameters, name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined || value === null || value === '') return undefined;
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw invalid(`Invalid value ${shown(value)} for parameter '${name}' supplied: a whole number is expected.`);
  return number;
}

/** Milliseconds since 1970. */
export function timeOf(parameters: Parameters, name: string): number | undefined {
  const time = integerOf(parameters, name);
  if (time !== undefined && time < 0) throw invalid(`Invalid value ${time} for parameter '${name}' supplied: it must be a nonnegative number of milliseconds.`);
  return time;
}

/** The run's id: by its old name as well. */
export function runIdOf(parameters: Parameters): string {
  const said = textOf(parameters, 'run_id') || textOf(parameters, 'run_uuid');
  if (said === '') throw parameterMissing('run_id');
  return said;
}

export function experimentIdOf(parameters: Parameters, otherwise?: string): string {
  const said = textOf(parameters, 'experiment_id') || otherwise;
  if (said === undefined) throw parameterMissing('experiment_id');
  if (!/^[a-zA-Z0-9][\w-]{0,63}$/.test(said)) throw invalid(`Invalid experiment ID: '${said.slice(0, 100)}'`);
  return said;
}

/** A name that MLflow's pages and paths can carry. */
export function keyOf(parameters: Parameters, what: string): string {
  const key = textOf(parameters, 'key');
  if (key === '') throw parameterMissing('key');
  if (key.length > LONGEST_KEY) throw invalid(`${what} name '${key.slice(0, 100)}…' had length ${key.length}, which exceeded length limit of ${LONGEST_KEY}`);
  fitting(plainText, key, 'key');
  if (!/^[/\p{L}\p{N}_.\- :]*$/u.test(key)) {
    throw invalid(`Invalid value "${key.slice(0, 100)}" for parameter '${what}' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`);
  }
  if (key.startsWith('/') || key.split('/').some((step) => step === '' || step === '.' || step === '..')) {
    throw invalid(`Invalid value "${key.slice(0, 100)}" for parameter '${what}' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would.`);
  }
  return key;
}

const valueIn = (parameters: Parameters, most: number): string => boundedText(parameters, 'value', most);

export const paramOf = (parameters: Parameters): KeyValue => ({ key: keyOf(parameters, 'Param'), value: valueIn(parameters, LONGEST_PARAM) });
export const runTagOf = (parameters: Parameters): KeyValue => ({ key: keyOf(parameters, 'Tag'), value: valueIn(parameters, LONGEST_TAG) });
export const experimentTagOf = (parameters: Parameters): KeyValue => ({ key: keyOf(parameters, 'Tag'), value: valueIn(parameters, 20_000) });

/** Of a key that comes twice the last value counts. */
export const eachOnce = (list: readonly KeyValue[]): readonly KeyValue[] => [...new Map(list.map(({ key, value }) => [key, value]))].map(([key, value]) => ({ key, value }));

export function pointOf(parameters: Parameters): Point {
  const key = keyOf(parameters, 'Metric');
  const timestamp = timeOf(parameters, 'timestamp');
  if (timestamp === undefined) throw parameterMissing('timestamp');
  const modelId = textOf(parameters, 'model_id');
  if (modelId !== '' && uuidOfModel(modelId) === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Logged model with ID '${modelId.slice(0, 100)}' not found.`);
  return { key, value: numberOf(parameters, 'value'), timestamp, step: integerOf(parameters, 'step') ?? 0, modelId, datasetName: boundedText(parameters, 'dataset_name', 500), datasetDigest: boundedText(parameters, 'dataset_digest', 100) };
}

const UNUSUAL: Readonly<Record<string, number>> = { NaN: NaN, Infinity, '-Infinity': -Infinity };

function numberOf(parameters: Parameters, name: string): number {
  const value = parameters[name];
  if (value === undefined || value === null) throw parameterMissing(name);
  const number = typeof value === 'string' ? (Object.hasOwn(UNUSUAL, value) ? UNUSUAL[value] : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) && value.length < 400 ? Number(value) : undefined) : value;
  if (typeof number !== 'number') throw invalid(`Invalid value ${shown(value)} for parameter '${name}' supplied: a valid double (64-bit floating point) is expected.`);
  return number;
}

export function datasetOf(parameters: Parameters): DatasetRead {
  const said = parametersOf(parameters['dataset']);
  const tags = objectsOf(parameters, 'tags').map((tag) => ({ key: fitting(plainText.min(1).max(LONGEST_KEY), requiredText(tag, 'key'), 'key'), value: boundedText(tag, 'value', 500) }));
  if (tags.length > MOST_PARAMS_OR_TAGS) throw invalid(`A dataset input has at most ${MOST_PARAMS_OR_TAGS} tags.`);
  const text = (name: string, most: number, bytes = most * 4): string => {
    const value = boundedText(said, name, most);
    if (new TextEncoder().encode(value).length > bytes) throw invalid(`Invalid value for parameter '${name}' supplied: it has more than ${bytes} bytes.`);
    return value;
  };
  return {
    name: fitting(plainText.min(1).max(500), requiredText(said, 'name'), 'name'),
    digest: fitting(plainText.min(1).max(100), requiredText(said, 'digest'), 'digest'),
    sourceType: text('source_type', 100),
    source: text('source', 65_535, 65_535),
    schema: text('schema', 131_072, 131_072),
    profile: text('profile', 131_072, 131_072),
    tags: eachOnce(tags),
  };
}

/** The id of a logged model as it is; one that cannot be is not there. */
export function loggedModelIdOf(said: string): string {
  if (uuidOfModel(said) === undefined) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Logged model with ID '${said.slice(0, 100)}' not found.`);
  return said;
}

export const isRunId = (said: string): boolean => uuidOf(said) !== undefined;

export function viewOf(parameters: Parameters, name: string): 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL' {
  const said = textOf(parameters, name);
  switch (said) {
    case '':
    case '1':
    case 'ACTIVE_ONLY':
      return 'ACTIVE_ONLY';
    case '2':
    case 'DELETED_ONLY':
      return 'DELETED_ONLY';
    case '3':
    case 'ALL':
      return 'ALL';
    default:
      throw invalid(`Invalid value '${said.slice(0, 100)}' for parameter '${name}' supplied: it is one of ACTIVE_ONLY, DELETED_ONLY, ALL.`);
  }
}
