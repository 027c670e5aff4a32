import { describe, expect, it } from '@jest/globals';
import { bytes, cut, details, minute, plain, table, type Column } from './table.ts';

interface Row {
  readonly name: string;
  readonly size: number;
  readonly note: string;
}
const columns: readonly Column<Row>[] = [
  { head: 'NAME', of: ({ name }) => name, paint: (text) => `<${text}>` },
  { head: 'SIZE', of: ({ size }) => size, right: true },
  { head: 'NOTE', of: ({ note }) => note, spare: true },
];
const rows: readonly Row[] = [
  { name: 'credit', size: 3, note: 'in use' },
  { name: 'größere-Kredite-模型', size: 1200, note: 'old' },
];
const on = (width: number | undefined) => ({ width, paintHead: (text: string) => text });

describe('a table', () => {
  it('stands in columns, wide characters counted as two', () => {
    expect(table(columns, rows, on(80))).toEqual(['NAME                  SIZE  NOTE', '<credit              >     3  in use', '<größere-Kredite-模型>  1200  old']);
  });

  it('leaves out what is spare, and then cuts the widest, when the terminal is narrow', () => {
    expect(table(columns, rows, on(28))).toEqual(['NAME                  SIZE', '<credit              >     3', '<größere-Kredite-模型>  1200']);
    expect(table(columns, rows, on(18))).toEqual(['NAME          SIZE', '<credit      >     3', '<größere-Kre…>  1200']);
  });

  it('has no column in which nothing stands', () => {
    const empty = rows.map((row) => ({ ...row, note: '' }));
    expect([table(columns, empty, on(80))[0], table(columns, empty, on(undefined))[0]]).toEqual(['NAME                  SIZE', 'credit\t3\t']);
  });

  it('is tab-separated, whole and without a head for a program', () => {
    expect(table(columns, [{ name: 'a\tb\nc', size: 1, note: 'x'.repeat(300) }], on(undefined))).toEqual([`a b c\t1\t${'x'.repeat(300)}`]);
  });

  it('of nothing is nothing', () => expect([table(columns, [], on(80)), table(columns, [], on(undefined))]).toEqual([[], []]));
});

describe('what is shown', () => {
  it('commands no terminal', () => {
    expect(plain('a\u001b[31mred\u0007 \u202eback')).toBe('a\\u001b[31mred\\u0007 \\u202eback');
    expect(details([['note', 'one\n\u001b[2Jtwo'], ['empty', ''], ['none', undefined], ['longer', 3]])).toEqual(['  note    one', '          \\u001b[2Jtwo', '  longer  3']);
  });

  it('is cut between characters, never within', () => {
    expect([cut('模型模型', 5), cut('👩‍👩‍👧 family', 4), cut('abc', 3), cut('abcd', 3)]).toEqual(['模型…', '👩‍👩‍👧 …', 'abc', 'ab…']);
  });

  it('says sizes and times as people do', () => {
    expect([0, 1, 999, 1_000, 1_500_000, 2_340_000_000].map(bytes)).toEqual(['0 bytes', '1 byte', '999 bytes', '1.00 kB', '1.50 MB', '2.34 GB']);
    expect([minute('2026-11-27T17:30:59.123Z'), minute(null)]).toEqual(['2026-11-27 17:30', '']);
  });
});
