import { describe, expect, it } from '@jest/globals';
import { conditionOf, parameters, type Columns } from './condition.ts';
import { demanded, parseFilter, type Fields } from './filter.ts';

const FIELDS: Fields = { name: { type: 'text' }, version: { type: 'number', also: ['version_number'] }, alias: { type: 'text' } };
const COLUMNS: Columns = { field: (name) => `m.${name}`, tags: 'm.tags', anyOf: { alias: (is) => `exists (alias ${is('a.alias')})` } };

const compared = (source: string) => parseFilter(source, FIELDS);
function sqlOf(source: string): unknown[] {
  const parameter = parameters();
  return [conditionOf(compared(source), COLUMNS, parameter), ...parameter.values];
}
function faultOf(source: string): unknown {
  try {
    return { parsed: compared(source) };
  } catch (error) {
    const { reason, status, message } = error as { reason: string; status: number; message: string };
    expect({ reason, status }).toEqual({ reason: 'FILTER_MALFORMED', status: 422 });
    return message;
  }
}
const field = (name: string, operator: string, ...values: (string | number)[]) => ({ is: 'comparison', key: { is: 'field', name }, operator, values });
const tag = (key: string, operator: string, ...values: string[]) => ({ is: 'comparison', key: { is: 'tag', key }, operator, values });

describe('A filter', () => {
  it.each([
    ['', undefined],
    ['  ', undefined],
    [`name = 'credit'`, field('name', '=', 'credit')],
    [`name="credit"`, field('name', '=', 'credit')],
    [`attribute.name ILIKE 'Cr%'`, field('name', 'ILIKE', 'Cr%')],
    ['attributes.`name` != "x"', field('name', '!=', 'x')],
    [`\`name\` like 'a'`, field('name', 'LIKE', 'a')],
    ['version_number >= 3', field('version', '>=', 3)],
    ['version IN (1, 2,3)', field('version', 'IN', 1, 2, 3)],
    [`name in ('a','b')`, field('name', 'IN', 'a', 'b')],
    [`tags.team = 'risk'`, tag('team', '=', 'risk')],
    [`tag.\`the team\` != 'risk'`, tag('the team', '!=', 'risk')],
    [`tags."the team" = ''`, tag('the team', '=', '')],
    [`tags.mlflow.prompt.is_prompt = 'true'`, tag('mlflow.prompt.is_prompt', '=', 'true')],
    [`tags.\`a\`\`b\` = 'it''s'`, tag('a`b', '=', "it's")],
    [`tags.and = 'or'`, tag('and', '=', 'or')],
    [`name = 'a' AND version < 2 and tags.x LIKE '%'`, { is: 'all', of: [field('name', '=', 'a'), field('version', '<', 2), tag('x', 'LIKE', '%')] }],
    [`name = 'a' or name = 'b' and not version = 1`, { is: 'any', of: [field('name', '=', 'a'), { is: 'all', of: [field('name', '=', 'b'), { is: 'not', of: field('version', '=', 1) }] }] }],
    [`(name = 'a' OR name = 'b') AND version = 1`, { is: 'all', of: [{ is: 'any', of: [field('name', '=', 'a'), field('name', '=', 'b')] }, field('version', '=', 1)] }],
  ])('is read: %s', (source, expected) => expect(compared(source)).toEqual(expected));

  it.each([
    [`colour = 'blue'`, /character 1: colour is nothing to search by; there are name, version, alias and tags\.<key>/],
    [`name = 'a' AND`, /character 15: expected what to compare, found its end/],
    [`name = 'a' name`, /character 12: expected AND, OR or its end, found name/],
    [`name > 'a'`, /character 6: expected = != LIKE ILIKE IN, found >/],
    [`name = 3`, /character 8: expected a text in quotes, found 3/],
    [`version = '3'`, /character 11: expected a whole number, found 3/],
    [`version LIKE 3`, /character 9: expected = != < <= > >= IN, found LIKE/],
    ['version = 3.5', /character 11/],
    ['version = 3abc', /character 11/],
    [`version = ${'9'.repeat(16)}`, /character 11: no number is that large/],
    ['version IN ()', /character 13: expected a whole number, found \)/],
    ['version IN (1', /character 14: expected \), found its end/],
    [`name = 'a`, /character 8: the ' that opens there is never closed/],
    [`name LIKE 'a\\'`, /character 11: the pattern ends with a backslash/],
    [`(name = 'a'`, /character 12: expected \), found its end/],
    [`name = 'a')`, /character 11/],
    [`name = 'a'; drop table registry.model`, /character 11: ";" has no meaning there/],
    [`name = 'a' -- `, /character 12: "-" has no meaning there/],
    [`name = $1`, /character 8: "\$" has no meaning there/],
    [`tags = 'a'`, /character 6: expected \., found =/],
    [`tags. = 'a'`, /character 7: expected the key of a tag/],
    ['=', /character 1: expected what to compare, found =/],
    ['\u0000', /no text/],
    ["name = '\ud800'", /no text/],
    ["name = '\u0000'", /no text/],
    ['😀', /character 1: "😀" has no meaning/],
    [`${'('.repeat(10_000)}name = 'a'`, /nested more than 20 deep/],
    [`${'NOT '.repeat(10_000)}name = 'a'`, /nested more than 20 deep/],
    [Array.from({ length: 101 }, () => `name = 'a'`).join(' AND '), /more than 100 comparisons/],
    [`version IN (${Array.from({ length: 1_001 }, () => '1').join(',')})`, /more than 1000 values/],
  ])('is refused, with the place: %.60s', (source, fault) => expect(faultOf(source)).toMatch(fault));
});

describe('What a filter demands of a field', () => {
  it.each([
    [`name = 'a'`, 'a'],
    [`version = 1 AND (name = 'a' AND tags.x = 'y')`, 'a'],
    ['', undefined],
    [`name LIKE 'a'`, undefined],
    [`name = 'a' OR version = 1`, undefined],
    [`NOT name = 'a'`, undefined],
    [`tags.name = 'a'`, undefined],
  ])('is what holds whatever else is true: %s', (source, value) => expect(demanded(compared(source), 'name')).toBe(value));
});

describe('The condition of a filter', () => {
  it('has every value in a parameter', () => {
    const hostile = `x'; drop table registry.model; --`;
    expect(sqlOf(`name = "${hostile}"`)).toEqual(['m.name = $1::text', hostile]);
    expect(sqlOf(`tags.\`${hostile}\` ILIKE "${hostile}"`)).toEqual(['coalesce((m.tags ->> $1::text) ilike $2::text, false)', hostile, hostile]);
    expect(sqlOf(`tags.\`${hostile}\` = "${hostile}"`)).toEqual(['m.tags @> $1::jsonb', JSON.stringify({ [hostile]: hostile })]);
  });
  it('keeps AND, OR and NOT as they were meant', () =>
    expect(sqlOf(`NOT (name = 'a' OR version IN (1, 2)) AND name != 'b'`)).toEqual(['(not ((m.name = $1::text or m.version = any($2::bigint[]))) and m.name <> $3::text)', 'a', [1, 2], 'b']));
  it('asks of a set whether a member is so, and of != whether none is', () => {
    expect(sqlOf(`alias LIKE 'ch%'`)).toEqual(['exists (alias a.alias like $1::text)', 'ch%']);
    expect(sqlOf(`alias != 'champion'`)).toEqual(['not exists (alias a.alias = $1)', 'champion']);
  });
  it('is true without a filter', () => expect(sqlOf('')).toEqual(['true']));
});
