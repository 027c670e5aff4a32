import type { Problem } from '@vitae/service-kit';
import { codeOf, STATUS_OF } from './mlflow-error.ts';

/** Both prefixes of MLflow (its Python client's and its page's), for a project and at the root for the default one. */
export const at = (path: string): string[] => ['t/:projectId/', ''].flatMap((project) => ['api/2.0/', 'ajax-api/2.0/'].map((prefix) => `${project}${prefix}${path}`));

const MLFLOW = /^(\/t\/[^/]+)?\/((ajax-)?api\/2\.0\/mlflow(-artifacts)?\/|model-versions\/get-artifact$)/;

/** Where files are sent, whatever their content type says: also a JSON file is bytes there. */
export const isBytes = (path: string): boolean => /^(\/t\/[^/]+)?\/(ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts\//.test(path);

/** What went wrong before a controller saw the request, in MLflow's form at MLflow's addresses. */
export function answerOf({ status, message }: Problem, path: string): { readonly status: number; readonly body: object } | undefined {
  if (!MLFLOW.test(path)) return undefined;
  const code = codeOf(status);
  return { status: STATUS_OF[code], body: { error_code: code, message } };
}
