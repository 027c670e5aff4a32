import type { MediaType } from '../dataset-version/registration.ts';
import type { CardContent } from '../model-card/card-content.ts';
import type { Tensor } from '../model-version/tensor-spec.ts';

// What the registry knows of a version, in the shape that cards and bills of materials are made of.

export interface KnownColumn {
  readonly name: string;
  readonly dataType: string;
  readonly kind: 'numeric' | 'categorical';
  readonly piiClass: 'none' | 'personal' | 'special';
}

export interface KnownDataset {
  readonly datasetVersionId: string;
  readonly datasetName: string;
  readonly version: number;
  /** `sha256:<hex>` of its bytes. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly mediaType: MediaType;
  readonly rowCount: number;
  readonly columns: readonly KnownColumn[];
  readonly splits: readonly { readonly name: string; readonly rowCount: number }[];
  /** Empty when it has none; so are the texts below. */
  readonly splitColumn: string;
  readonly labelColumn: string;
  readonly piiClass: 'none' | 'personal' | 'special';
  readonly lawfulBasis: string;
  readonly allowedPurposes: readonly string[];
  readonly source: string;
  readonly licence: string;
  /** RFC 3339. */
  readonly registeredAt: string;
  readonly registeredBy: string;
}

/** A metric, with its 95 % interval where one is known. */
interface KnownMetric {
  readonly name: string;
  readonly value: number;
  readonly lower?: number;
  readonly upper?: number;
}

export interface KnownEvaluation {
  readonly evaluationId: string;
  readonly dataset: Pick<KnownDataset, 'datasetVersionId' | 'datasetName' | 'version' | 'digest'>;
  /** Empty: all rows. */
  readonly split: string;
  readonly rowCount: number;
  readonly metrics: readonly KnownMetric[];
  readonly groups: readonly { readonly attribute: string; readonly group: string; readonly rowCount: number; readonly metrics: readonly KnownMetric[] }[];
}

export interface KnownVersion {
  readonly projectId: string;
  readonly model: { readonly modelId: string; readonly name: string; readonly task: string; readonly description: string; readonly useCaseId: string };
  readonly modelVersionId: string;
  readonly version: number;
  readonly description: string;
  /** OpenSSF Model Signing root digest, `sha256:<hex>`. */
  readonly artefactDigest: string;
  readonly artefactFormat: string;
  readonly files: readonly { readonly path: string; readonly digest: string; readonly sizeBytes: number }[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly source: { readonly repository: string; readonly commit: string };
  /** Reported by whoever trained it; `evaluations` are measured. */
  readonly trainingMetrics: Readonly<Record<string, number>>;
  readonly contributors: readonly string[];
  readonly signed: boolean;
  /** RFC 3339. */
  readonly registeredAt: string;
  readonly registeredBy: string;
  readonly dataset: KnownDataset;
  /** Newest first. */
  readonly evaluations: readonly KnownEvaluation[];
  /** What its published card says. */
  readonly card?: CardContent | undefined;
}

/** What comes with the request for an export. */
export interface Issue {
  /** A UUID: no two exports have the same. */
  readonly id: string;
  /** RFC 3339. */
  readonly at: string;
  /** Where the reader finds this service, e.g. https://vitae.example.org; no slash at the end. */
  readonly origin: string;
}

/** `sha256:<hex>` without what stands before the digits. */
export const hex = (digest: string): string => digest.slice(digest.indexOf(':') + 1);

/** The address of something in the version's project. */
export const addressIn = ({ origin }: Issue, projectId: string, ...path: readonly string[]): string =>
  [origin, 'v1', 'projects', projectId, ...path].map((part, index) => (index === 0 ? part : encodeURIComponent(part))).join('/');

/** A tensor in one line: `age: FP32[-1, 1]`. */
export const tensorLine = ({ name, datatype, shape }: Tensor): string => `${name}: ${datatype}[${shape.join(', ')}]`;

/** Which rows an evaluation, or a group of it, measured. */
export const sliceOf = ({ dataset, split }: KnownEvaluation, group?: { readonly attribute: string; readonly group: string }): string =>
  [`${dataset.datasetName} version ${dataset.version}`, ...(split === '' ? [] : [split]), ...(group ? [`${group.attribute} = ${group.group}`] : [])].join(', ');
