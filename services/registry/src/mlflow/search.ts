import { parseFilter, type Fields, type Filter } from '../search/filter.ts';
import { invalid } from './mlflow-error.ts';
import { PROMPT_TAG } from './names.ts';

/** What MLflow lets be searched: a part of what our lists do. */
interface Searched {
  readonly fields: Fields;
  /** Our name of each. */
  readonly ours: Readonly<Record<string, string>>;
  /** Fields that IN may be asked of. */
  readonly lists: readonly string[];
  readonly sortable: readonly string[];
  readonly otherwise: string;
}

const MODELS: Searched = {
  fields: { name: { type: 'text' } },
  ours: { name: 'name' },
  lists: [],
  sortable: ['name', 'last_updated_timestamp', 'timestamp'],
  otherwise: 'name ASC',
};

const VERSIONS: Searched = {
  fields: { name: { type: 'text' }, version_number: { type: 'number' }, run_id: { type: 'text' }, source_path: { type: 'text' } },
  ours: { name: 'name', version_number: 'version', run_id: 'runId', source_path: 'source' },
  lists: ['run_id'],
  sortable: ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'],
  otherwise: 'last_updated_timestamp DESC, name ASC, version_number DESC',
};

export const modelFilter = (source: string): Filter | undefined => filterOf(source, MODELS);
export const versionFilter = (source: string): Filter | undefined => filterOf(source, VERSIONS);
export const modelOrder = (keys: readonly string[]): string => orderOf(keys, MODELS);
export const versionOrder = (keys: readonly string[]): string => orderOf(keys, VERSIONS);

/**
 * MLflow's grammar has comparisons and AND, nothing else. And it hides prompts unless the filter speaks of them.
 * @throws MlflowError, Refused FILTER_MALFORMED.
 */
function filterOf(source: string, { fields, ours, lists }: Searched): Filter {
  const said = parseFilter(source, fields);
  const parts = said === undefined ? [] : said.is === 'all' ? said.of : [said];
  let ofPrompts = false;
  const read = parts.map((one): Filter => {
    if (one.is !== 'comparison') throw invalid(`Invalid filter '${source.slice(0, 200)}': only comparisons that are joined by AND are understood.`);
    const { key, operator, values } = one;
    if (operator === 'IN' && (key.is === 'tag' || !lists.includes(key.name))) throw invalid(`Invalid filter '${source.slice(0, 200)}': IN is understood of ${lists.join(', ') || 'nothing here'} only.`);
    if (key.is === 'field') return { ...one, key: { is: 'field', name: ours[key.name] ?? key.name } };
    if (key.key !== PROMPT_TAG) return one;
    ofPrompts = true;
    const asksForOthers = (operator === '!=' && values[0] === 'true') || (operator === '=' && values[0] === 'false');
    return asksForOthers ? NO_PROMPTS : one;
  });
  return { is: 'all', of: ofPrompts ? read : [...read, NO_PROMPTS] };
}

/** True of what lacks the tag, too: elsewhere MLflow's `!=` leaves those out. */
const NO_PROMPTS: Filter = { is: 'not', of: { is: 'comparison', key: { is: 'tag', key: PROMPT_TAG }, operator: '=', values: ['true'] } };

/** The keys that were asked for, then those that make the order complete. @throws MlflowError. */
function orderOf(keys: readonly string[], { sortable, otherwise }: Searched): string {
  const said = keys.filter((key) => key.trim() !== '').map((key) => {
    const [, quoted, plain, direction = 'ASC'] = /^\s*(?:`(\w+)`|(\w+))(?:\s+(ASC|DESC))?\s*$/i.exec(key) ?? [];
    const name = quoted ?? plain;
    if (name === undefined || !sortable.includes(name)) throw invalid(`Invalid order_by '${key.slice(0, 100)}': there are ${sortable.join(', ')}, each with ASC or DESC after it.`);
    return { name: name === 'timestamp' ? 'last_updated_timestamp' : name, direction };
  });
  const names = said.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw invalid(`\`order_by\` contains duplicate fields: ${twice}`);
  const rest = otherwise.split(', ').filter((key) => !names.includes(key.split(' ')[0] ?? ''));
  // last_updated_timestamp is the order when none is wished, not a part of every order.
  const more = said.length === 0 ? rest : rest.filter((key) => !key.startsWith('last_updated_timestamp'));
  return [...said.map(({ name, direction }) => `${name} ${direction}`), ...more].join(', ');
}
