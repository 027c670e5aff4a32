import cliProgress from 'cli-progress';
import { bytes } from './table.ts';

/** Tells people how far a long run is, on stderr: a bar on a terminal, else a line at each tenth. Silent with --json. */
export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/** What is counted. */
export type Unit = 'things' | 'bytes';

/** Shorter runs are over before anybody reads a line. */
const FEWEST_FOR_LINES: Readonly<Record<Unit, number>> = { things: 50_000, bytes: 64_000_000 };

export function newProgress(what: string, options: { readonly json?: boolean }, stream: NodeJS.WriteStream = process.stderr, unit: Unit = 'things'): Progress {
  if (options.json) return { update: () => undefined, stop: () => undefined };
  return stream.isTTY ? bar(what, stream, unit) : lines(what, stream, unit);
}

const said = (n: number, unit: Unit): string => (unit === 'bytes' ? bytes(n) : String(n));

function bar(what: string, stream: NodeJS.WriteStream, unit: Unit): Progress {
  const formatValue: cliProgress.ValueFormatter = (value, _, type) => (type === 'value' || type === 'total' ? said(value, unit) : String(value));
  const shown = new cliProgress.SingleBar({ stream, format: `${what.replaceAll('{', '(')} {bar} {percentage}% | {value} of {total} | {eta_formatted} left`, formatValue, clearOnComplete: true, hideCursor: true }, cliProgress.Presets.shades_classic);
  let started = false;
  return {
    update(done, total) {
      if (!started) shown.start(total, done);
      started = true;
      shown.setTotal(total);
      shown.update(done);
    },
    stop: () => shown.stop(),
  };
}

function lines(what: string, stream: NodeJS.WriteStream, unit: Unit): Progress {
  let tenth = 0;
  return {
    update(done, total) {
      if (total < FEWEST_FOR_LINES[unit] || Math.floor((done * 10) / total) <= tenth) return;
      tenth = Math.floor((done * 10) / total);
      stream.write(`${what}: ${said(done, unit)} of ${said(total, unit)}\n`);
    },
    stop: () => undefined,
  };
}
