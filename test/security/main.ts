// The program behind `npm run test:security`.
import { attackAll } from './attack.ts';
import { optionsOf } from './options.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
const options = optionsOf(process.argv.slice(2));
console.log(`seed ${options.seed}, ${options.examples} made-up requests for each operation: ${options.services.join(', ')}`);
const { passed, failed, skipped } = await attackAll(options, (line) => console.log(line));
if (skipped) console.log(`skipped: Schemathesis (${skipped})`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
