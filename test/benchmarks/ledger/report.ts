import type { Figures } from './rounds.ts';

/** A goal of the project, and what came out. */
export interface Verdict {
  readonly goal: string;
  readonly measured: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Report {
  say(line?: string): void;
  /** Contenders side by side; with `ratio`, a last column that says how each compares with what the title names. */
  figures(title: string, figures: readonly Figures[], ratio?: (figures: Figures) => number): void;
  table(title: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): void;
  verdict(verdict: Verdict): void;
  /** Everything so far, for --json. */
  readonly record: { readonly tables: object[]; readonly verdicts: Verdict[] };
}

/** Prints as it goes, so that a run that is cut short has said what it knew. */
export function reportTo(print: (line: string) => void): Report {
  const record = { tables: [] as object[], verdicts: [] as Verdict[] };
  const table: Report['table'] = (title, head, rows) => {
    const cells = [head, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? short(cell) : cell)));
    const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
    print('');
    print(title);
    for (const row of cells) print(`  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')}`);
    record.tables.push({ title, rows: rows.map((row) => Object.fromEntries(row.map((cell, i) => [head[i], cell]))) });
  };
  return {
    record,
    table,
    say: (line = '') => print(line),
    figures: (title, figures, ratio) => {
      const head = ['', 'events/s', 'lowest', 'highest', 'p50 ms', 'p99 ms', 'server µs/event', 'client µs/event', ...(ratio ? ['ratio'] : [])];
      const rows = figures.map((f) => [
        f.name, f.eventsPerSecond, Math.min(...f.rates), Math.max(...f.rates), f.p50, f.p99, f.serverMicros, f.clientMicros, ...(ratio ? [ratio(f)] : []),
      ]);
      table(title, head, rows);
    },
    verdict: (verdict) => {
      record.verdicts.push(verdict);
      print(`  ${verdictLine(verdict)}`);
    },
  };
}

export function verdictLine({ goal, measured, atLeast, atMost }: Verdict): string {
  const reached = (atLeast === undefined || measured >= atLeast) && (atMost === undefined || measured <= atMost);
  const wanted = [...(atLeast === undefined ? [] : [`at least ${atLeast}`]), ...(atMost === undefined ? [] : [`at most ${atMost}`])].join(', ');
  return `${reached ? 'reached' : 'MISSED '}  ${goal}: ${short(measured)} (goal: ${wanted})`;
}

/** Three digits that say something, and thousands apart. */
function short(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
