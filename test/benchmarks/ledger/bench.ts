import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { RoundsOptions } from './rounds.ts';
import type { Testbed } from './testbed.ts';

/** What each part works with. */
export interface Bench {
  readonly testbed: Testbed;
  readonly options: Options;
  readonly rounds: RoundsOptions;
  readonly report: Report;
}
