/** What says where an experiment's artefacts lie. */
export interface ExperimentPlace {
  readonly projectId: string;
  readonly id: string;
  /** Empty: here. */
  readonly artifactLocation: string;
}

/**
 * Where artefacts lie, in MLflow's words. Those that lie here are found under
 *
 *   mlflow-artifacts:/<project>/<experiment>/<run>/artifacts/…
 *   mlflow-artifacts:/<project>/<experiment>/models/<model>/artifacts/…
 */
export const placeOfExperiment = ({ projectId, id, artifactLocation }: ExperimentPlace): string => artifactLocation || `mlflow-artifacts:/${projectId}/${id}`;
export const placeOfRun = (of: ExperimentPlace, runId: string): string => `${placeOfExperiment(of)}/${runId}/artifacts`;
export const placeOfLoggedModel = (of: ExperimentPlace, modelId: string): string => `${placeOfExperiment(of)}/models/${modelId}/artifacts`;

/** What a path behind `mlflow-artifacts:/` names here. */
export interface ArtifactOwner {
  readonly projectId: string;
  readonly owner: { readonly is: 'run' | 'logged-model'; readonly id: string };
  /** Within the owner's files; empty for all of them. */
  readonly path: string;
}

export function ownerOf(said: string): ArtifactOwner | undefined {
  const [, projectId, runId, modelId, path = ''] = /^([a-z0-9][a-z0-9-]*)\/[0-9a-f]{1,32}\/(?:([0-9a-f]{32})|models\/(m-[0-9a-f]{32}))\/artifacts(?:\/(.*))?$/s.exec(said) ?? [];
  if (projectId === undefined) return undefined;
  return { projectId, owner: runId === undefined ? { is: 'logged-model', id: modelId ?? '' } : { is: 'run', id: runId }, path };
}

/** The same of an address; undefined for what lies elsewhere, or with another server. */
export const ownerAt = (uri: string): ArtifactOwner | undefined => (/^mlflow-artifacts:\/(?!\/)/.test(uri) ? ownerOf(uri.slice('mlflow-artifacts:/'.length)) : undefined);
