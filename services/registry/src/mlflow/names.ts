import { name } from '../request.ts';
import { invalid } from './mlflow-error.ts';

/** MLflow keeps a prompt as a model that has this tag. */
export const PROMPT_TAG = 'mlflow.prompt.is_prompt';

export const isPrompt = (tags: Readonly<Record<string, string>>): boolean => tags[PROMPT_TAG]?.toLowerCase() === 'true';

export const tagsByKey = (tags: readonly { readonly key: string; readonly value: string }[]): Readonly<Record<string, string>> => Object.fromEntries(tags.map(({ key, value }) => [key, value]));

/** A name for something new. @throws MlflowError: also for white space at its ends, which nobody could ask for again. */
export function newName(said: string, prompt: boolean): string {
  if (prompt && !/^[a-zA-Z0-9_.-]+$/.test(said)) throw invalid(`Prompt name can only contain alphanumeric characters, hyphens, underscores, and dots. Provided name: '${said.slice(0, 300)}'`);
  const parsed = name.safeParse(said);
  if (!parsed.success) throw invalid(`Invalid name '${said.slice(0, 300)}' for a registered model: ${parsed.error.issues[0]?.message ?? ''}`);
  if (parsed.data !== said) throw invalid(`Invalid name '${said}' for a registered model: it begins or ends with white space.`);
  return said;
}

/** @throws MlflowError for what is no alias at all. */
export function alias(said: string): string {
  if (/^[\w-]{1,255}$/.test(said)) return said;
  throw invalid(`Invalid alias name: '${said.slice(0, 300)}'. An alias is 1 to 255 letters, digits, underscores and hyphens.`);
}

/** @throws MlflowError for the names that mean a version already. */
export function newAlias(said: string): string {
  if (said.toLowerCase() === 'latest') throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^v\d+$/i.test(said)) throw invalid(`Version alias name '${said}' is reserved.`);
  return alias(said);
}
