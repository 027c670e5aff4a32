// The program behind `npm run bench -- <name> [arguments]`.
import { access } from './access/access.ts';
import { ledger } from './ledger/ledger.ts';
import { WrongArguments } from './ledger/options.ts';
import { registry } from './registry/registry.ts';

type Benchmark = (say: (line: string) => void, args: readonly string[]) => Promise<void>;

const benchmarks: Readonly<Record<string, Benchmark>> = {
  access,
  ledger,
  pipeline: (say, args) => ledger(say, ['pipeline', 'latency', ...args]),
  registry,
};
const [name = '', ...args] = process.argv.slice(2);
const benchmark = benchmarks[name];
if (benchmark) {
  await benchmark((line) => console.log(line), args).catch((error: unknown) => {
    console.error(error instanceof WrongArguments ? error.message : error);
    process.exitCode = 1;
  });
} else {
  console.error(`npm run bench -- <name>, where <name> is one of: ${Object.keys(benchmarks).join(', ')}`);
  process.exitCode = 1;
}
