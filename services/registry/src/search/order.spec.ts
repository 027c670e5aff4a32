import { describe, expect, it } from '@jest/globals';
import { parameters } from './condition.ts';
import { behindSql, markOf, orderSql, parseOrder, placeIn, type Sortable } from './order.ts';

const SORTABLE: Sortable = {
  id: { sql: 'm.id', type: 'uuid' },
  name: { sql: 'm.name', type: 'text' },
  version: { sql: 'm.version', type: 'integer', also: ['version_number'] },
  updatedAt: { sql: 'm.updated_at', type: 'timestamptz', also: ['last_updated_timestamp'] },
};
const ID = '01890000-0000-7000-8000-000000000001';
const TIME = '2026-11-27T12:00:00.001+00:00';
const refusal = (reason: string) => expect.objectContaining({ reason, status: 422 });

describe('An order', () => {
  it.each([
    ['', 'm.id asc'],
    ['name', 'm.name asc, m.id asc'],
    ['last_updated_timestamp DESC, name ASC, version_number desc', 'm.updated_at desc, m.name asc, m.version desc, m.id asc'],
    ['`name` desc, id desc', 'm.name desc, m.id desc'],
    ['attribute.name', 'm.name asc, m.id asc'],
  ])('ends so that no two rows are equal: %s', (source, sql) => expect(orderSql(parseOrder(source, SORTABLE), SORTABLE)).toBe(sql));

  it.each(['colour', 'name sideways', 'name,', ',', 'name name', 'name, name desc', 'updatedAt, last_updated_timestamp', 'name; drop table x', 'constructor', '__proto__'])('is refused: %s', (source) =>
    expect(() => parseOrder(source, SORTABLE)).toThrow(refusal('ORDER_MALFORMED')));
});

describe('A place in an order', () => {
  const order = parseOrder('updatedAt desc, name', SORTABLE);

  it('comes back from its mark', () => expect(placeIn(markOf(order, [TIME, 'credit', ID]), order, SORTABLE)).toEqual([TIME, 'credit', ID]));

  it.each([
    ['of another order', markOf(parseOrder('name', SORTABLE), ['credit', ID])],
    ['that is too short', markOf(order, [TIME, 'credit'])],
    ['that is too long', markOf(order, [TIME, 'credit', ID, 1])],
    ['with no time', markOf(order, ['yesterday', 'credit', ID])],
    ['with a time that PostgreSQL does not know', markOf(order, ['0000-01-01T00:00:00Z', 'credit', ID])],
    ['with a text that ends early', markOf(order, [TIME, 'cre\0dit', ID])],
    ['with no id', markOf(order, [TIME, 'credit', `' or true`])],
    ['that is none', undefined],
    ['that is an object', { length: 4 }],
  ])('is refused from a mark %s', (_what, mark) => expect(() => placeIn(mark, order, SORTABLE)).toThrow(refusal('CURSOR_MALFORMED')));

  it('is a range of the first key and a tie-break of the others', () => {
    const parameter = parameters();
    expect([behindSql(order, [TIME, 'credit', ID], SORTABLE, parameter), parameter.values]).toEqual([
      '(m.updated_at <= $1::timestamptz and ((m.updated_at < $1::timestamptz) or (m.updated_at = $1::timestamptz and m.name > $2::text) or (m.updated_at = $1::timestamptz and m.name = $2::text and m.id > $3::uuid)))',
      [TIME, 'credit', ID],
    ]);
  });
});
