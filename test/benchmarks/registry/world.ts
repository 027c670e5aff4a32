// What the registries under test hold: the same models, versions, tags, runs and aliases on both sides.

export interface Pair {
  readonly key: string;
  readonly value: string;
}

export interface SeedModel {
  readonly name: string;
  readonly versions: number;
}

export const PROJECT = 'bench';
export const ACTOR = 'bench';

/** The aliases of each model, and the version that each names. */
export const aliasesOf = ({ versions }: SeedModel): ReadonlyMap<string, number> => new Map([['champion', versions], ['challenger', Math.max(1, versions - 1)]]);

export const modelTags = ({ name }: SeedModel): readonly Pair[] => [
  { key: 'team', value: TEAMS[sumOf(name) % TEAMS.length] ?? '' },
  { key: 'domain', value: 'credit' },
  { key: 'tier', value: 'high' },
];

/** Three for each version: one that a quarter of all have, one that every hundredth has, and one that every thousandth has. */
export const versionTags = (version: number): readonly Pair[] => [
  { key: 'team', value: TEAMS[version % TEAMS.length] ?? '' },
  { key: 'dataset', value: `d-${version % 100}` },
  { key: 'audited', value: version % 1_000 === 0 ? 'yes' : 'no' },
];

/** Ten versions come from one run. Of MLflow's form, and of its length. */
export const runOf = (version: number): string => (Math.floor(version / 10) + 1).toString(16).padStart(32, '0');
export const sourceOf = (version: number): string => `s3://models/${runOf(version)}/artifacts/model`;
export const describes = (version: number): string => `Logistic regression, attempt ${version}`;

const TEAMS = ['risk', 'fraud', 'pricing', 'collections'];
const sumOf = (text: string): number => [...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
