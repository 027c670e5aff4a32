import { filterMalformed, tokensOf, type Token } from './filter-tokens.ts';

/** What a list can be searched by, and the names it goes by: `{ source: { type: 'text', also: ['source_path'] } }`. */
export type Fields = Readonly<Record<string, { readonly type: 'text' | 'number'; readonly also?: readonly string[] }>>;

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'ILIKE' | 'IN';

/** What is compared: a field, or a tag by its key. */
export type Key = { readonly is: 'field'; readonly name: string } | { readonly is: 'tag'; readonly key: string };

/** Values are texts, or for a number field whole numbers; IN has one or more, the others exactly one. */
export interface Comparison {
  readonly is: 'comparison';
  readonly key: Key;
  readonly operator: Operator;
  readonly values: readonly (string | number)[];
}
export type Filter = Comparison | { readonly is: 'all' | 'any'; readonly of: readonly Filter[] } | { readonly is: 'not'; readonly of: Filter };

/** Bounds of what one filter may ask, so that it is always a small question. */
const DEEPEST = 20;
const MOST_COMPARISONS = 100;
const MOST_VALUES = 1_000;

const FOR_TEXT: readonly Operator[] = ['=', '!=', 'LIKE', 'ILIKE', 'IN'];
const FOR_NUMBER: readonly Operator[] = ['=', '!=', '<', '<=', '>', '>=', 'IN'];

/**
 * Reads a filter. MLflow's search grammar is the part of it without OR, NOT and parentheses.
 *
 *   filter     := all { OR all }
 *   all        := one { AND one }
 *   one        := NOT one | ( filter ) | comparison
 *   comparison := key operator value | key IN ( value { , value } )
 *   key        := field | attribute.field | tag.key | tags.key            key may be in backticks or double quotes
 *   operator   := = != LIKE ILIKE for texts; = != < <= > >= for numbers
 *
 * @returns undefined for an empty filter: everything.
 * @throws Refused FILTER_MALFORMED, naming the character.
 */
export function parseFilter(source: string, fields: Fields): Filter | undefined {
  const tokens = tokensOf(source);
  let next = 0;
  let comparisons = 0;
  const here = (): Token => tokens[next] ?? { is: 'end', value: '', at: source.length + 1 };
  const fault = (expected: string): Error => filterMalformed(here().at, `expected ${expected}, found ${here().is === 'end' ? 'its end' : here().value.slice(0, 50)}`);
  const isWord = (word: string): boolean => here().is === 'name' && !here().quoted && here().value.toUpperCase() === word;
  const isSign = (sign: string): boolean => here().is === 'sign' && here().value === sign;
  const take = (): Token => {
    const token = here();
    next += 1;
    return token;
  };
  const skipSign = (sign: string): void => {
    if (!isSign(sign)) throw fault(sign);
    next += 1;
  };

  const joined = (is: 'all' | 'any', word: string, part: () => Filter): Filter => {
    const of = [part()];
    while (isWord(word)) {
      next += 1;
      of.push(part());
    }
    return of.length === 1 && of[0] ? of[0] : { is, of };
  };
  const filter = (depth: number): Filter => {
    if (depth > DEEPEST) throw filterMalformed(here().at, `it is nested more than ${DEEPEST} deep`);
    return joined('any', 'OR', () => joined('all', 'AND', () => one(depth)));
  };
  const one = (depth: number): Filter => {
    if (isWord('NOT')) {
      next += 1;
      if (depth >= DEEPEST) throw filterMalformed(here().at, `it is nested more than ${DEEPEST} deep`);
      return { is: 'not', of: one(depth + 1) };
    }
    if (!isSign('(')) return comparison();
    next += 1;
    const inner = filter(depth + 1);
    skipSign(')');
    return inner;
  };
  const comparison = (): Filter => {
    comparisons += 1;
    if (comparisons > MOST_COMPARISONS) throw filterMalformed(here().at, `it has more than ${MOST_COMPARISONS} comparisons`);
    const { key, type } = keyOf();
    const operator = operatorFor(type);
    return { is: 'comparison', key, operator, values: operator === 'IN' ? list(type) : [value(type, operator)] };
  };
  const keyOf = (): { readonly key: Key; readonly type: 'text' | 'number' } => {
    const token = here();
    if (token.is !== 'name' && token.is !== 'text') throw fault('what to compare');
    next += 1;
    if (!token.quoted && /^tags?$/i.test(token.value)) {
      skipSign('.');
      return { key: { is: 'tag', key: dotted('the key of a tag') }, type: 'text' };
    }
    if (!token.quoted && /^attributes?$/i.test(token.value) && isSign('.')) {
      next += 1;
      return fieldOf(take());
    }
    return fieldOf(token);
  };
  /** A tag's key without quotes may have dots: tags.mlflow.source. */
  const dotted = (expected: string): string => {
    const parts: string[] = [];
    do {
      if (parts.length > 0) next += 1;
      if (here().is !== 'name' && here().is !== 'text' && here().is !== 'number') throw fault(expected);
      parts.push(take().value);
    } while (isSign('.'));
    return parts.join('.');
  };
  const fieldOf = ({ value: said, at }: Token): { readonly key: Key; readonly type: 'text' | 'number' } => {
    const found = Object.entries(fields).find(([name, { also = [] }]) => name === said || also.includes(said));
    if (!found) throw filterMalformed(at, `${said.slice(0, 50) || 'nothing'} is nothing to search by; there are ${Object.keys(fields).join(', ')} and tags.<key>`);
    return { key: { is: 'field', name: found[0] }, type: found[1].type };
  };
  const operatorFor = (type: 'text' | 'number'): Operator => {
    const known = type === 'text' ? FOR_TEXT : FOR_NUMBER;
    const said = here().is === 'sign' || !here().quoted ? here().value.toUpperCase() : '';
    const operator = known.find((one) => one === said);
    if (!operator) throw fault(known.join(' '));
    next += 1;
    return operator;
  };
  const list = (type: 'text' | 'number'): (string | number)[] => {
    skipSign('(');
    const values = [value(type, 'IN')];
    while (isSign(',')) {
      next += 1;
      values.push(value(type, 'IN'));
      if (values.length > MOST_VALUES) throw filterMalformed(here().at, `IN has more than ${MOST_VALUES} values`);
    }
    skipSign(')');
    return values;
  };
  const value = (type: 'text' | 'number', operator: Operator): string | number => {
    const token = here();
    if (token.is !== type) throw fault(type === 'text' ? 'a text in quotes' : 'a whole number');
    next += 1;
    if (type === 'number') {
      if (token.value.length > 15) throw filterMalformed(token.at, 'no number is that large');
      return Number(token.value);
    }
    if (operator.endsWith('LIKE') && /(?<!\\)(\\\\)*\\$/.test(token.value)) throw filterMalformed(token.at, 'the pattern ends with a backslash that escapes nothing; write two');
    return token.value;
  };

  if (here().is === 'end') return undefined;
  const whole = filter(0);
  if (here().is !== 'end') throw fault('AND, OR or its end');
  return whole;
}

/** The text that a field must be equal to whatever else the filter says; undefined when it leaves that open. */
export function demanded(filter: Filter | undefined, name: string): string | undefined {
  if (filter?.is === 'all') return filter.of.map((one) => demanded(one, name)).find((value) => value !== undefined);
  if (filter?.is !== 'comparison' || filter.operator !== '=' || filter.key.is !== 'field' || filter.key.name !== name) return undefined;
  return String(filter.values[0]);
}
