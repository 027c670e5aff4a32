import type { Clause, ClauseWords } from '../search/clauses.ts';
import { parseClauses, parseSort } from '../search/clauses.ts';
import type { SortKey } from '../search/sort-key.ts';
import { invalid } from './mlflow-error.ts';

// What MLflow lets be searched of experiments, runs and logged models.

const text = (name: string) => ({ name, is: 'text' as const });
const number = (name: string) => ({ name, is: 'number' as const });

const RUNS: ClauseWords = {
  entities: ['metric', 'param', 'tag', 'attribute', 'dataset'],
  attributes: {
    run_id: text('run_id'), run_name: text('run_name'), 'run name': text('run_name'), 'Run name': text('run_name'), 'Run Name': text('run_name'),
    user_id: text('user_id'), status: text('status'), artifact_uri: text('artifact_uri'),
    start_time: number('start_time'), created: number('start_time'), Created: number('start_time'), end_time: number('end_time'),
  },
  lists: ['run_id'],
};

const EXPERIMENTS: ClauseWords = {
  entities: ['tag', 'attribute'],
  attributes: { name: text('name'), experiment_id: text('experiment_id'), creation_time: number('creation_time'), last_update_time: number('last_update_time') },
  lists: [],
};

const LOGGED_MODELS: ClauseWords = {
  entities: ['metric', 'param', 'tag', 'attribute'],
  attributes: {
    model_id: text('model_id'), name: text('name'), model_type: text('model_type'), status: text('status'), source_run_id: text('source_run_id'), experiment_id: text('experiment_id'),
    creation_timestamp: number('creation_timestamp'), creation_timestamp_ms: number('creation_timestamp'), creation_time: number('creation_timestamp'),
    last_updated_timestamp: number('last_updated_timestamp'), last_updated_timestamp_ms: number('last_updated_timestamp'),
  },
  lists: ['model_id', 'name', 'model_type', 'status', 'source_run_id', 'experiment_id'],
};

export const runClauses = (filter: string): readonly Clause[] => parseClauses(filter, RUNS);
export const experimentClauses = (filter: string): readonly Clause[] => parseClauses(filter, EXPERIMENTS);
export const loggedModelClauses = (filter: string): readonly Clause[] => parseClauses(filter, LOGGED_MODELS);

/** @throws MlflowError for a key that comes twice; Refused ORDER_MALFORMED. */
export const runSort = (orderBy: readonly string[]) => distinct(orderBy.filter((one) => one.trim() !== '').map((one) => parseSort(one, RUNS)));

export const loggedModelSort = (field: string) => parseSort(field, LOGGED_MODELS);

export function distinct<Key extends { readonly entity: string; readonly key: string }>(keys: readonly Key[]): readonly Key[] {
  const twice = keys.find(({ entity, key }, i) => keys.findIndex((one) => one.entity === entity && one.key === key) !== i);
  if (twice) throw invalid(`\`order_by\` contains duplicate fields: ${twice.key.slice(0, 100)}`);
  return keys;
}

const EXPERIMENT_SQL: Readonly<Record<string, Omit<SortKey, 'direction'>>> = {
  name: { sql: 'e.name', type: 'text' },
  experiment_id: { sql: 'e.id', type: 'text' },
  creation_time: { sql: 'floor(extract(epoch from e.created_at) * 1000)::bigint', type: 'bigint' },
  last_update_time: { sql: 'floor(extract(epoch from e.updated_at) * 1000)::bigint', type: 'bigint' },
};

export function experimentSort(orderBy: readonly string[]): readonly SortKey[] {
  const said = distinct(orderBy.filter((one) => one.trim() !== '').map((one) => parseSort(one, { ...EXPERIMENTS, entities: ['attribute'] })));
  const wished = said.length > 0 ? said : [{ key: 'last_update_time', direction: 'desc' as const }];
  const keys = wished.some(({ key }) => key === 'experiment_id') ? wished : [...wished, { key: 'experiment_id', direction: 'desc' as const }];
  return keys.flatMap(({ key, direction }) => (EXPERIMENT_SQL[key] ? [{ ...EXPERIMENT_SQL[key], direction }] : []));
}
