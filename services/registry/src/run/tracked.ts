import type { LoggedModelStatus } from '../logged-model/logged-model.ts';
import type { RunStatus } from './run.ts';

// What is told of experiments, runs and logged models.

/** Which of the two are shown. */
export type ViewType = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL';

export interface ExperimentShown {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  /** Empty: here. */
  readonly artifactLocation: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly deleted: boolean;
  /** Milliseconds since 1970; 0 for a default experiment that nobody used yet. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The newest value of a metric. NaN and the infinities are texts: JSON has no such numbers. */
export interface MetricShown {
  readonly key: string;
  readonly value: number | string;
  readonly timestamp: number;
  readonly step: number;
  readonly modelId: string;
  readonly datasetName: string;
  readonly datasetDigest: string;
}

export interface DatasetShown {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string;
  readonly profile: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface RunShown {
  readonly id: string;
  readonly projectId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly artifactUri: string;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
  readonly metrics: readonly MetricShown[];
  readonly datasets: readonly DatasetShown[];
  /** It, or else its experiment. */
  readonly deleted: boolean;
}

export interface PointShown {
  readonly runId: string;
  readonly key: string;
  /** JavaScript's number, NaN and the infinities too. */
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
  readonly modelId: string;
  readonly datasetName: string;
  readonly datasetDigest: string;
}

export interface LoggedModelShown {
  readonly id: string;
  readonly projectId: string;
  readonly experimentId: string;
  readonly name: string;
  readonly modelType: string;
  readonly sourceRunId: string | null;
  readonly status: LoggedModelStatus;
  readonly artifactUri: string;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Versions that were registered of it. */
  readonly registrations: readonly { readonly name: string; readonly version: number }[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deleted: boolean;
}
