import { createInterface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { CannotRun } from './outcome.ts';
import type { Sheet } from './table.ts';

export type Style = Parameters<typeof styleText>[0];

/** In colour on a terminal, unless NO_COLOR or TERM=dumb says otherwise; FORCE_COLOR wins over both. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** What lists are printed on: a terminal of some width, or a pipe. */
export const sheet = (): Sheet => ({ width: process.stdout.isTTY ? process.stdout.columns || 80 : undefined, paintHead: (text) => paint('bold', text) });

/** The colour of a state. */
export const stateStyle = (state: string): Style => ({ active: 'green', registered: 'green', deprecated: 'yellow', retired: 'gray', purged: 'gray', deleted: 'red', quarantined: 'red' })[state] as Style | undefined ?? 'reset';

/**
 * Asks before something that is hard to take back. Where nobody can be asked, `--yes` has to have said it.
 * @throws CannotRun when the answer is no, or nobody is there.
 */
export async function confirm(what: string, { yes }: { readonly yes?: boolean | undefined }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new CannotRun(`${what} Nobody can be asked here: say --yes. Nothing was done.`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await asking.question(`${what} Go on? [y/N] `).catch(() => ''); // Ctrl-C, Ctrl-D
    if (!/^\s*y(es)?\s*$/i.test(said)) throw new CannotRun('Nothing was done.');
  } finally {
    asking.close();
  }
}
