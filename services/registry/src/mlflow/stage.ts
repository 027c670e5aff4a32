import { STAGES, type Stage } from '../model-version/model-version-command.ts';
import { invalid } from './mlflow-error.ts';

/** @throws MlflowError for what is none of the four; case does not matter. */
export function stage(said: string): Stage {
  const known = STAGES.find((one) => one.toLowerCase() === said.toLowerCase());
  if (!known) throw invalid(`Invalid Model Version stage: ${said.slice(0, 100)}. Value must be one of ${STAGES.join(', ')}.`);
  return known;
}

/** Only these have a version that they should have alone. */
export const isActive = (one: Stage): boolean => one === 'Staging' || one === 'Production';
