// The program behind `npm run bench -- <name>`.
import { pipeline } from './pipeline.ts';

const benchmarks: Readonly<Record<string, (say: (line: string) => void) => Promise<void>>> = { pipeline };
const name = process.argv[2] ?? '';
const benchmark = benchmarks[name];
if (benchmark) {
  await benchmark((line) => console.log(line));
} else {
  console.error(`npm run bench -- <name>, where <name> is one of: ${Object.keys(benchmarks).join(', ')}`);
  process.exitCode = 1;
}
