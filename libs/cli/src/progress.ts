import cliProgress from 'cli-progress';

/** Tells people how far a long run is, on stderr: a bar on a terminal, else a line at each tenth. Silent with --json. */
export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/** Shorter runs are over before anybody reads a line. */
const FEWEST_FOR_LINES = 50_000;

export function newProgress(what: string, options: { readonly json?: boolean }, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (options.json) return { update: () => undefined, stop: () => undefined };
  return stream.isTTY ? bar(what, stream) : lines(what, stream);
}

function bar(what: string, stream: NodeJS.WriteStream): Progress {
  const shown = new cliProgress.SingleBar({ stream, format: `${what} {bar} {percentage}% | {value} of {total} | {eta_formatted} left`, clearOnComplete: true, hideCursor: true }, cliProgress.Presets.shades_classic);
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

function lines(what: string, stream: NodeJS.WriteStream): Progress {
  let tenth = 0;
  return {
    update(done, total) {
      if (total < FEWEST_FOR_LINES || Math.floor((done * 10) / total) <= tenth) return;
      tenth = Math.floor((done * 10) / total);
      stream.write(`${what}: ${done} of ${total}\n`);
    },
    stop: () => undefined,
  };
}
