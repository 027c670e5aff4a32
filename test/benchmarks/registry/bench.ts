import type { IdentityServer } from '@vitae/local';
import type { Report } from '../ledger/report.ts';
import type { Testbed } from '../ledger/testbed.ts';
import type { Mlflow } from './mlflow-server.ts';
import type { Options } from './options.ts';

/** What each part works with. */
export interface Bench {
  readonly testbed: Testbed;
  readonly natsUrl: string;
  readonly identity: IdentityServer;
  readonly options: Options;
  readonly report: Report;
  /** Undefined where it cannot be installed, or is not wished. */
  readonly mlflow: Mlflow | undefined;
  readonly progress: (line: string) => void;
  /** Tables as a README has them, said at the end. */
  readonly readme: string[];
}
