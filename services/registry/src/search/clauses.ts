import { Refused } from '@vitae/event-store';

/** What a clause of MLflow's tracking speaks of. */
export type ClauseEntity = 'attribute' | 'metric' | 'param' | 'tag' | 'dataset';
export type ClauseOperator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'ILIKE' | 'IN' | 'NOT IN' | 'IS NULL' | 'IS NOT NULL';

/** One comparison. Numbers are numbers already; IN has one value or more, IS NULL none, the others one. */
export interface Clause {
  readonly entity: ClauseEntity;
  readonly key: string;
  readonly operator: ClauseOperator;
  readonly values: readonly (string | number)[];
}

/** What can be searched in one kind of thing. */
export interface ClauseWords {
  readonly entities: readonly ClauseEntity[];
  /** Attributes by all the names that they go by. */
  readonly attributes: Readonly<Record<string, { readonly name: string; readonly is: 'text' | 'number' }>>;
  /** Attributes that IN may be asked of. */
  readonly lists: readonly string[];
}

const MOST_CLAUSES = 100;
const MOST_VALUES = 1_000;

const ENTITIES: Readonly<Record<string, ClauseEntity>> = {
  metric: 'metric', metrics: 'metric',
  param: 'param', params: 'param', parameter: 'param', parameters: 'param',
  tag: 'tag', tags: 'tag',
  attribute: 'attribute', attributes: 'attribute', attr: 'attribute', run: 'attribute',
  dataset: 'dataset', datasets: 'dataset',
};
const NUMERIC: readonly ClauseOperator[] = ['=', '!=', '<', '<=', '>', '>='];
const TEXTUAL: readonly ClauseOperator[] = ['=', '!=', 'LIKE', 'ILIKE'];
const LISTS: readonly ClauseOperator[] = ['IN', 'NOT IN'];
const NULLS: readonly ClauseOperator[] = ['IS NULL', 'IS NOT NULL'];
const DATASET_KEYS: readonly string[] = ['name', 'digest', 'context'];

const TOKEN = /(?<space>\s+)|(?<text>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?<tick>`[^`]*`)|(?<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])|(?<word>[A-Za-z_0-9][\w/-]*)|(?<sign><=|>=|!=|<|>|=|\(|\)|,|\.)/y;

interface Token {
  readonly is: 'text' | 'tick' | 'number' | 'word' | 'sign' | 'end';
  readonly value: string;
  readonly at: number;
}

/**
 * Reads what MLflow's tracking searches by: comparisons joined by AND.
 *
 *   metrics.auc > 0.8 AND params."max depth" = '3' AND tags.mlflow.source.type LIKE 'JOB%' AND attributes.run_id IN ('…', '…')
 *
 * @throws Refused FILTER_MALFORMED, naming the character.
 */
export function parseClauses(source: string, { entities, attributes, lists }: ClauseWords): readonly Clause[] {
  const tokens = tokensOf(source);
  let next = 0;
  const here = (): Token => tokens[next] ?? { is: 'end', value: '', at: source.length + 1 };
  const isWord = (word: string): boolean => here().is === 'word' && here().value.toUpperCase() === word;
  const isSign = (sign: string): boolean => here().is === 'sign' && here().value === sign;
  const fault = (expected: string): Refused => malformed(here().at, `expected ${expected}, found ${here().is === 'end' ? 'its end' : here().value.slice(0, 50)}`);
  const take = (): Token => {
    const token = here();
    next += 1;
    return token;
  };

  const clause = (): Clause => {
    const { entity, key, numeric, at } = identifier();
    const operator = operatorOf();
    const known = numeric ? NUMERIC : [...TEXTUAL, ...(entity === 'dataset' || (entity === 'attribute' && lists.includes(key)) ? LISTS : []), ...(entity === 'tag' || entity === 'param' ? NULLS : [])];
    if (!known.includes(operator)) throw malformed(at, `'${operator}' cannot be asked of ${entity}s.${key.slice(0, 50)}; there are ${known.join(' ')}`);
    return { entity, key, operator, values: NULLS.includes(operator) ? [] : LISTS.includes(operator) ? list() : [value(numeric, operator)] };
  };

  const identifier = (): { readonly entity: ClauseEntity; readonly key: string; readonly numeric: boolean; readonly at: number } => {
    const token = here();
    if (token.is !== 'word' && token.is !== 'tick' && token.is !== 'text') throw fault('what to compare');
    next += 1;
    const said = unquoted(token);
    if (!isSign('.')) return attributeOf(said, token.at);
    const entity = token.is === 'word' ? ENTITIES[said.toLowerCase()] : undefined;
    if (!entity || !entities.includes(entity)) throw malformed(token.at, `Invalid entity type '${said.slice(0, 50)}'. Valid values are ${entities.join(', ')}`);
    const parts: string[] = [];
    while (isSign('.')) {
      next += 1;
      if (!['word', 'tick', 'text', 'number'].includes(here().is)) throw fault('a key');
      parts.push(unquoted(take()));
    }
    const key = parts.join('.');
    if (entity === 'attribute') return attributeOf(key, token.at);
    if (entity === 'dataset' && !DATASET_KEYS.includes(key)) throw malformed(token.at, `Invalid dataset key '${key.slice(0, 50)}' specified. Valid keys are ${DATASET_KEYS.join(', ')}`);
    return { entity, key, numeric: entity === 'metric', at: token.at };
  };
  const attributeOf = (said: string, at: number) => {
    const found = Object.hasOwn(attributes, said) ? attributes[said] : undefined;
    if (!found) throw malformed(at, `Invalid attribute key '${said.slice(0, 50)}' specified. Valid keys are ${Object.keys(attributes).join(', ')}`);
    return { entity: 'attribute' as const, key: found.name, numeric: found.is === 'number', at };
  };
  const operatorOf = (): ClauseOperator => {
    if (isWord('IS') || isWord('NOT')) {
      const words = [take().value.toUpperCase()];
      while (isWord('NOT') || isWord('NULL') || isWord('IN')) words.push(take().value.toUpperCase());
      const joined = words.join(' ');
      const found = [...NULLS, ...LISTS].find((one) => one === joined);
      if (found) return found;
      throw malformed(here().at, `${joined} is no comparison`);
    }
    const found = [...NUMERIC, ...TEXTUAL, 'IN' as const].find((one) => (isSign(one) || isWord(one)));
    if (!found) throw fault('a comparison');
    next += 1;
    return found;
  };
  const list = (): readonly string[] => {
    const values: string[] = [];
    if (!isSign('(')) throw fault('(');
    do {
      next += 1;
      if (isSign(')') && values.length > 0) break; // Python writes a tuple of one with a comma at its end
      if (here().is !== 'text') throw fault('a text in quotes');
      values.push(unquoted(take()));
      if (values.length > MOST_VALUES) throw malformed(here().at, `IN has more than ${MOST_VALUES} values`);
    } while (isSign(','));
    if (!isSign(')')) throw fault(')');
    next += 1;
    return values;
  };
  const value = (numeric: boolean, operator: ClauseOperator): string | number => {
    if (here().is !== (numeric ? 'number' : 'text')) throw fault(numeric ? 'a number' : 'a text in quotes');
    const token = take();
    if (numeric) return Number(token.value);
    const text = unquoted(token);
    if (operator.endsWith('LIKE') && /(?<!\\)(?:\\\\)*\\$/.test(text)) throw malformed(token.at, 'the pattern ends with a backslash that escapes nothing; write two');
    return text;
  };

  if (here().is === 'end') return [];
  const clauses = [clause()];
  while (isWord('AND')) {
    next += 1;
    clauses.push(clause());
    if (clauses.length > MOST_CLAUSES) throw malformed(here().at, `it has more than ${MOST_CLAUSES} comparisons`);
  }
  if (here().is !== 'end') throw fault('AND or its end');
  return clauses;
}

/** A key that a list is sorted by, as MLflow writes it: `metrics.auc DESC`. @throws Refused ORDER_MALFORMED. */
export function parseSort(source: string, words: ClauseWords): { readonly entity: ClauseEntity; readonly key: string; readonly numeric: boolean; readonly direction: 'asc' | 'desc' } {
  const [, said = source, direction = 'asc'] = /^(.*\S)\s+(asc|desc)\s*$/is.exec(source) ?? [];
  // A key alone is read as the beginning of a comparison, each kind with one that it knows.
  for (const ending of [" = ''", ' = 0']) {
    const clause = readOrNot(`${said}${ending}`, words);
    if (clause && clause.entity !== 'dataset') return { entity: clause.entity, key: clause.key, numeric: typeof clause.values[0] === 'number', direction: direction.toLowerCase() as 'asc' | 'desc' };
  }
  throw new Refused('ORDER_MALFORMED', `Invalid order_by clause '${source.slice(0, 200)}': it is a key such as metrics.auc, params.depth, tags.team or ${Object.keys(words.attributes)[0]}, with ASC or DESC after it.`, 422);
}

function readOrNot(source: string, words: ClauseWords): Clause | undefined {
  try {
    const clauses = parseClauses(source, words);
    return clauses.length === 1 ? clauses[0] : undefined;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  if (!source.isWellFormed() || source.includes('\0')) throw malformed(1, 'there are characters in it that are no text');
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(source)?.groups;
    if (!groups) throw malformed(at + 1, `${JSON.stringify([...source.slice(at)][0])} has no meaning there`);
    const found = Object.entries(groups).find(([, value]) => value !== undefined);
    if (found && found[0] !== 'space') tokens.push({ is: found[0] as Token['is'], value: found[1] as string, at: at + 1 });
  }
  return tokens;
}

function unquoted({ is, value }: Token): string {
  if (is === 'tick') return value.slice(1, -1);
  if (is !== 'text') return value;
  const quote = value.charAt(0);
  return value.slice(1, -1).replaceAll(quote + quote, quote);
}

const malformed = (at: number, why: string): Refused => new Refused('FILTER_MALFORMED', `Invalid filter at character ${at}: ${why}. It is made of comparisons such as metrics.auc > 0.8 AND tags.team = 'risk'.`, 422);
