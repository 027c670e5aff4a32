import { Refused, type RefusalStatus } from '@vitae/event-store';

export type DatasetVersionRefusal =
  | 'COLUMN_UNKNOWN'
  | 'COLUMN_ROLES_CLASH'
  | 'DATASET_BUILT_ON'
  | 'DATASET_QUARANTINED'
  | 'DATASET_TOO_LARGE'
  | 'DATASET_TOO_WIDE'
  | 'DATASET_UNREADABLE'
  | 'DATASET_VERSION_ERASED'
  | 'DATASET_VERSION_EXISTS'
  | 'DATASET_VERSION_NOT_FOUND'
  | 'EXPECTATIONS_MISSING'
  | 'FOUR_EYES'
  | 'LAWFUL_BASIS_MISSING'
  | 'PROTECTED_COLUMN_TOO_FINE'
  | 'SOURCE_UNKNOWN'
  | 'SPLIT_UNUSABLE'
  | 'SUCCESSOR_UNFIT';

/** A dataset's refusal; its status is 422 unless it says otherwise. */
export const refuse = (reason: DatasetVersionRefusal, message: string, status: RefusalStatus = 422): Refused => new Refused(reason, message, status);

/** A dataset version as it is told of. */
export interface NamedVersion {
  readonly datasetVersionId: string;
  readonly datasetName: string;
  readonly version: number;
}

/** @param through the one that is in quarantine, when the wanted one was derived from it. */
export function datasetQuarantined({ datasetName, version }: NamedVersion, through: NamedVersion, what: string): Refused {
  const named = `${through.datasetName} version ${through.version}`;
  const derived = `${datasetName} version ${version}` === named ? '' : `, from which ${datasetName} version ${version} is derived,`;
  return refuse('DATASET_QUARANTINED', `${named}${derived} is in quarantine, so ${what}. The reason stands in GET …/dataset-versions/${through.datasetVersionId}. Use another version, or have the quarantine lifted.`, 409);
}

export const datasetVersionErased = ({ datasetName, version }: NamedVersion): Refused =>
  refuse('DATASET_VERSION_ERASED', `The bytes of ${datasetName} version ${version} were erased, and nothing can be done with them any more. Use another version.`, 410);
