import stringWidth from 'string-width';

/** One column of a table. */
export interface Column<Row> {
  readonly head: string;
  readonly of: (row: Row) => string | number | null | undefined;
  /** What is left out first when the terminal is narrow: the rightmost of these, then the next. */
  readonly spare?: boolean;
  readonly right?: boolean;
  /** Wraps what is shown in colour; MUST not change its width. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface Sheet {
  /** Of the terminal, in cells. Undefined where nobody looks: then a program reads, and gets tab-separated lines without a head and uncut. */
  readonly width: number | undefined;
  readonly paintHead: (text: string) => string;
  /** How a cell is to be read. */
  readonly reads?: (text: string) => string;
}

const GAP = '  ';
const NARROWEST = 8;

export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { width, paintHead, reads = (text) => text }: Sheet): string[] {
  const text = (column: Column<Row>, row: Row): string => plain(reads(String(column.of(row) ?? '')));
  if (width === undefined) return rows.map((row) => columns.map((column) => text(column, row)).join('\t'));
  if (rows.length === 0) return [];
  const telling = columns.filter((column) => rows.some((row) => text(column, row) !== ''));
  const natural = new Map(telling.map((column) => [column, Math.max(stringWidth(column.head), ...rows.map((row) => stringWidth(text(column, row))))]));
  const shown = fitting(telling, natural, width);
  const line = (cell: (column: Column<Row>) => string, paint: (column: Column<Row>, padded: string) => string): string =>
    shown.map(([column, cells], n) => paint(column, padded(cut(cell(column), cells), cells, column.right === true, n === shown.length - 1))).join(GAP).trimEnd();
  return [
    line(({ head }) => head, (_, head) => paintHead(head)),
    ...rows.map((row) => line((column) => text(column, row), (column, cell) => column.paint?.(cell, row) ?? cell)),
  ];
}

/** Columns with their widths: what is spare goes, and then the widest gives, until all fit. */
function fitting<Row>(columns: readonly Column<Row>[], natural: ReadonlyMap<Column<Row>, number>, width: number): (readonly [Column<Row>, number])[] {
  const kept = [...columns];
  const total = (widths: readonly number[]): number => widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);
  const widths = (): number[] => kept.map((column) => natural.get(column) ?? 0);
  while (total(widths()) > width && kept.some(({ spare }) => spare)) kept.splice(kept.findLastIndex(({ spare }) => spare), 1);
  const given = widths();
  for (let over = total(given) - width; over > 0; over -= 1) {
    const widest = given.indexOf(Math.max(...given));
    if ((given[widest] ?? 0) <= NARROWEST) break;
    given[widest] = (given[widest] ?? 0) - 1;
  }
  return kept.map((column, n) => [column, given[n] ?? 0] as const);
}

/** So many cells of a text, the last one a mark that something is missing. */
export function cut(text: string, cells: number): string {
  if (stringWidth(text) <= cells) return text;
  let [taken, used] = ['', 0];
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment);
    if (used > cells - 1) break;
    taken += segment;
  }
  return `${taken}…`;
}

function padded(text: string, cells: number, right: boolean, last: boolean): string {
  const room = ' '.repeat(Math.max(0, cells - stringWidth(text)));
  if (right) return room + text;
  return last ? text : text + room;
}

/** What somebody wrote, on one line and without what a terminal obeys. */
export const plain = (text: string): string => text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll(OBEYED, seen);
/** The same, line by line. */
export const plainLines = (text: string): string[] => text.split(/\r\n|[\r\n]/).map((line) => line.replaceAll(OBEYED, seen));

// Control characters, and those that turn the direction of the text around them.
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const seen = (character: string): string => (character === '\t' ? ' ' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Names and what they stand for, below each other; what says nothing is left out. */
export function details(pairs: readonly (readonly [string, string | number | null | undefined])[], paintName: (text: string) => string = (text) => text): string[] {
  const said = pairs.filter((pair): pair is readonly [string, string | number] => pair[1] !== undefined && pair[1] !== null && pair[1] !== '');
  const widest = Math.max(0, ...said.map(([name]) => name.length));
  return said.flatMap(([name, value]) => plainLines(String(value)).map((line, n) => `  ${n === 0 ? paintName(name.padEnd(widest)) : ' '.repeat(widest)}  ${line}`.trimEnd()));
}

/** Bytes as people say them. */
export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const step = count < 1_000 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), units.length - 1);
  return step === 0 ? `${count} ${count === 1 ? 'byte' : 'bytes'}` : `${(count / 1_000 ** step).toPrecision(3)} ${units[step]}`;
}

/** A time as people read it: UTC, to the minute. */
export const minute = (time: string | null | undefined): string => time?.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$/, '$1 $2') ?? '';

export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
