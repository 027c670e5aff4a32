// The program behind `npm run test:interop`.
import { cardsInterop } from './cards.ts';
import { interop } from './interop.ts';
import { mlflowInterop } from './mlflow.ts';
import { modelSigningInterop } from './model-signing.ts';
import { openLineageInterop } from './openlineage.ts';

let broken = 0;
const checks = [
  ['the log, against Go', interop],
  ['signatures of models, against Python', modelSigningInterop],
  ['the registry, by MLflow’s client', mlflowInterop],
  ['lineage, by OpenLineage’s client', openLineageInterop],
  ['cards and bills of materials, against Python', cardsInterop],
] as const;
for (const [name, check] of checks) {
  console.log(`== ${name}`);
  const { passed, failed, skipped } = await check((line) => console.log(line));
  console.log(skipped ? `skipped: ${skipped}` : `${passed} passed, ${failed} failed`);
  broken += failed;
}
process.exitCode = broken > 0 ? 1 : 0;
