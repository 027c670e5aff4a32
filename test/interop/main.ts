// The program behind `npm run test:interop`.
import { interop } from './interop.ts';

const { passed, failed, skipped } = await interop((line) => console.log(line));
if (skipped) console.log(`skipped: ${skipped}`);
else console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
