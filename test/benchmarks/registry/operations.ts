import type { Operation } from './registry-under-test.ts';
import { PROJECT, runOf, sourceOf, versionTags, type SeedModel } from './world.ts';

const API = '/api/2.0/mlflow';
const query = (parameters: Readonly<Record<string, string>>): string => new URLSearchParams(parameters).toString();
/** Spread over all that there is, the same for everybody: a step that shares no divisor with the sizes. */
const spread = (n: number, of: number): number => ((n * 7_919) % of) + 1;

/** MLflow's own requests about one model. */
export function onModel({ name, versions }: SeedModel): readonly Operation[] {
  const search = (filter: string): string => `${API}/model-versions/search?${query({ filter, max_results: '100' })}`;
  return [
    { name: 'get model', everyday: true, call: () => ({ method: 'GET', path: `${API}/registered-models/get?${query({ name })}` }) },
    { name: 'get version', everyday: true, call: (n) => ({ method: 'GET', path: `${API}/model-versions/get?${query({ name, version: String(spread(n, versions)) })}` }) },
    { name: 'create version', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/model-versions/create`, body: newVersion(name, n) }) },
    { name: 'set alias', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/registered-models/alias`, body: { name, alias: 'champion', version: String(spread(n, versions)) } }) },
    { name: 'set tag of a version', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/model-versions/set-tag`, body: { name, version: String(spread(n, versions)), key: 'checked', value: `at ${n}` } }) },
    { name: 'set tag of the model', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/registered-models/set-tag`, body: { name, key: 'checked', value: `at ${n}` } }) },
    { name: '100 versions by name', everyday: false, call: () => ({ method: 'GET', path: search(`name = '${name}'`) }) },
    { name: '100 versions by tag', everyday: false, call: () => ({ method: 'GET', path: search(`name = '${name}' and tags.team = 'risk'`) }) },
    { name: 'versions by a rare tag', everyday: false, call: () => ({ method: 'GET', path: search(`name = '${name}' and tags.audited = 'yes'`) }) },
    { name: 'versions by run', everyday: false, call: (n) => ({ method: 'GET', path: search(`run_id = '${runOf(spread(n, versions))}'`) }) },
  ];
}

/** What our own API has other requests for. */
export function ownOnModel({ name, versions }: SeedModel, modelId: string): readonly Operation[] {
  const base = `/v1/projects/${PROJECT}`;
  const listed = (filter: string): string => `${base}/models/${modelId}/versions?${query({ filter, limit: '100', orderBy: 'updatedAt DESC' })}`;
  return [
    { name: 'get model', everyday: true, call: () => ({ method: 'GET', path: `${base}/models/${modelId}` }) },
    { name: 'set alias', everyday: true, call: (n) => ({ method: 'PUT', path: `${base}/models/${modelId}/aliases/champion`, body: { version: spread(n, versions) } }) },
    { name: 'set tag of the model', everyday: true, call: (n) => ({ method: 'PUT', path: `${base}/models/${modelId}/tags/checked`, body: { value: `own ${n}` } }) },
    { name: '100 versions by name', everyday: false, call: () => ({ method: 'GET', path: `${base}/model-versions?${query({ filter: `name = '${name}'`, limit: '100', orderBy: 'updatedAt DESC' })}` }) },
    { name: '100 versions by tag', everyday: false, call: () => ({ method: 'GET', path: listed(`tags.team = 'risk'`) }) },
    { name: 'versions by a rare tag', everyday: false, call: () => ({ method: 'GET', path: listed(`tags.audited = 'yes'`) }) },
  ];
}

/** Over many models. */
export function overModels(models: readonly SeedModel[]): readonly Operation[] {
  const name = (n: number): string => models[spread(n, models.length) - 1]?.name ?? '';
  const search = (more: Readonly<Record<string, string>>): string => `${API}/registered-models/search?${query({ max_results: '100', ...more })}`;
  return [
    { name: '100 models', everyday: false, call: () => ({ method: 'GET', path: search({}) }) },
    { name: '100 models, newest first', everyday: false, call: () => ({ method: 'GET', path: search({ order_by: 'last_updated_timestamp DESC' }) }) },
    { name: '100 models by tag', everyday: false, call: () => ({ method: 'GET', path: search({ filter: `tags.team = 'risk'` }) }) },
    { name: '100 models by a part of the name', everyday: false, call: () => ({ method: 'GET', path: search({ filter: `name LIKE '%7%'` }) }) },
    { name: 'get model', everyday: true, call: (n) => ({ method: 'GET', path: `${API}/registered-models/get?${query({ name: name(n) })}` }) },
    { name: 'create version', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/model-versions/create`, body: newVersion(name(n), n) }) },
    { name: 'set alias', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/registered-models/alias`, body: { name: name(n), alias: 'champion', version: String((n % 10) + 1) } }) },
    { name: 'set tag of the model', everyday: true, call: (n) => ({ method: 'POST', path: `${API}/registered-models/set-tag`, body: { name: name(n), key: 'checked', value: `at ${n}` } }) },
  ];
}

/** A version as MLflow's client registers it. */
export const newVersion = (name: string, n: number): object => ({ name, source: sourceOf(n), run_id: runOf(n), description: `Created by the benchmark, ${n}`, tags: versionTags(n) });
