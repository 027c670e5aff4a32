/** What can go into a model, or come out of it. */
export const MODALITIES = ['text', 'image', 'audio', 'video', 'tabular', 'embedding'] as const;
export type Modality = (typeof MODALITIES)[number];

/** A model that is not ours, as its provider names it. */
export interface ExternalModel {
  readonly provider: string;
  readonly providerModelId: string;
  /** Empty when the provider names none: what answers may then change under the same name. */
  readonly snapshot: string;
  readonly access: 'api' | 'weights';
  /** Where they lie, when they are what is reached; the digest is empty when nobody said it. */
  readonly weights?: { readonly location: string; readonly revision: string; readonly digest: string } | undefined;
  readonly licence: string;
  readonly terms: string;
  /** In tokens; 0 when it was not said. */
  readonly contextWindow: number;
  readonly inputModalities: readonly Modality[];
  readonly outputModalities: readonly Modality[];
  readonly regions: readonly string[];
}

/** One word for where it is: its weights' place and revision, or the provider's name of it. */
export const addressOf = ({ provider, providerModelId, snapshot, weights }: ExternalModel): string =>
  weights ? `${weights.location}@${weights.revision}` : `${provider}:${providerModelId}${snapshot === '' ? '' : `@${snapshot}`}`;

/** Branches move; what is pinned must not. */
export const isMoving = (revision: string): boolean => /^(refs\/heads\/.*|main|master|latest|head|develop|dev)$/i.test(revision);
