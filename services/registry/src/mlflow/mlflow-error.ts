/** The codes that we answer with, each with its HTTP status. 429 and 5xx make MLflow's client try seven times more, after Retry-After: never for a wrong request. */
export const STATUS_OF = {
  INVALID_PARAMETER_VALUE: 400,
  BAD_REQUEST: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_DOES_NOT_EXIST: 404,
  ENDPOINT_NOT_FOUND: 404,
  RESOURCE_CONFLICT: 409,
  ABORTED: 409,
  REQUEST_LIMIT_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  TEMPORARILY_UNAVAILABLE: 503,
} as const;
export type MlflowCode = keyof typeof STATUS_OF;

/** An error in MLflow's own words. Its clients compare codes, and some of them messages: those below MUST stay as they are. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
  constructor(
    readonly code: MlflowCode,
    message: string,
  ) {
    super(message);
  }
}

/** What a problem of ours is to MLflow, by its status; what was deleted is not there for it. */
export function codeOf(status: number): MlflowCode {
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'PERMISSION_DENIED';
    case 404:
    case 410:
      return 'RESOURCE_DOES_NOT_EXIST';
    case 409:
      return 'RESOURCE_CONFLICT';
    case 412:
      return 'ABORTED';
    case 429:
      return 'REQUEST_LIMIT_EXCEEDED';
    case 503:
      return 'TEMPORARILY_UNAVAILABLE';
    default:
      return status >= 500 ? 'INTERNAL_ERROR' : 'INVALID_PARAMETER_VALUE';
  }
}

export const invalid = (message: string): MlflowError => new MlflowError('INVALID_PARAMETER_VALUE', message);

export const parameterMissing = (name: string): MlflowError => invalid(`Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`);

export const modelMissing = (name: string): MlflowError => new MlflowError('RESOURCE_DOES_NOT_EXIST', `Registered Model with name=${name} not found`);

export const versionMissing = (name: string, version: string | number): MlflowError => new MlflowError('RESOURCE_DOES_NOT_EXIST', `Model Version (name=${name}, version=${version}) not found`);

/** Not a 404: MLflow's client tells an unknown alias from an unknown model by it. */
export const aliasMissing = (alias: string): MlflowError => invalid(`Registered model alias ${alias} not found.`);

/** Models and prompts share their names: says which of the two has it, if it is the other one. */
export function nameTaken(name: string, taken: { readonly isPrompt: boolean } | undefined, isPrompt: boolean): MlflowError {
  if (!taken || taken.isPrompt === isPrompt) return new MlflowError('RESOURCE_ALREADY_EXISTS', `Registered Model (name=${name}) already exists.`);
  const [wanted, is] = isPrompt ? ['prompt', 'registered model'] : ['registered model', 'prompt'];
  return new MlflowError(
    'RESOURCE_ALREADY_EXISTS',
    `Tried to create a ${wanted} with name '${name}', but the name is already taken by a ${is}. MLflow does not allow creating a model and a prompt with the same name.`,
  );
}
