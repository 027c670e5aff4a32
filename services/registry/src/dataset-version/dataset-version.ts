import { create } from '@bufbuild/protobuf';
import {
  ClassifiedColumnSchema,
  DatasetQualityAssessedSchema,
  DatasetSensitivityClassifiedSchema,
  DatasetVersionDeprecatedSchema,
  DatasetVersionDeprecationLiftedSchema,
  DatasetVersionErasedSchema,
  DatasetVersionQuarantinedSchema,
  DatasetVersionQuarantineLiftedSchema,
  PiiClass,
  type DatasetQualityAssessed,
  type DatasetSensitivityClassified,
  type DatasetVersionDeprecated,
  type DatasetVersionDeprecationLifted,
  type DatasetVersionErased,
  type DatasetVersionQuarantined,
  type DatasetVersionQuarantineLifted,
  type DatasetVersionRegistered,
} from '@vitae/contracts';
import type { Decider, Refused } from '@vitae/event-store';
import { OUTCOMES, resultOf, type Assessment } from '../dataset/assessment.ts';
import { PII_CLASSES, strictestOf, type PiiClassName } from './pii-class.ts';
import { datasetVersionErased, refuse, type NamedVersion } from './refusals.ts';
import { register, type RegisterDatasetVersion } from './registration.ts';

export type DatasetVersionCommand =
  | (RegisterDatasetVersion & { readonly assessment?: Assessment | undefined })
  | { readonly type: 'QuarantineDatasetVersion'; readonly reason: string }
  | (Eyes & { readonly type: 'LiftQuarantine'; readonly reason: string })
  | { readonly type: 'DeprecateDatasetVersion'; readonly reason: string; readonly successorDatasetVersionId: string }
  | { readonly type: 'LiftDatasetVersionDeprecation' }
  | (Eyes & ClassifySensitivity)
  | { readonly type: 'RecordQuality'; readonly assessment: Assessment }
  | EraseDatasetVersion;

/** Whose word it is, and who brought the data. */
export interface Eyes {
  readonly by: string;
  /** All accounts of whoever is behind `by`. */
  readonly accounts: readonly string[];
  /** Who registered the version; with a machine, whom it acted for, too. */
  readonly registrants: readonly string[];
}

/** What is left out stays as it is. */
export interface ClassifySensitivity {
  readonly type: 'ClassifySensitivity';
  readonly classes: Readonly<Record<string, PiiClassName>>;
  readonly lawfulBasis?: string | undefined;
  readonly allowedPurposes?: readonly string[] | undefined;
  readonly residency?: string | undefined;
  readonly retentionUntil?: string | undefined;
}

export interface EraseDatasetVersion {
  readonly type: 'EraseDatasetVersion';
  readonly reason: string;
  /** Also when something that is not retired is built on it. */
  readonly force: boolean;
  /** Model versions that are, the first thousand. */
  readonly builtOn: readonly string[];
  /** Whether something else has the same bytes and needs them. */
  readonly needed: boolean;
}

export type DatasetVersionEvent =
  | DatasetVersionRegistered
  | DatasetVersionQuarantined
  | DatasetVersionQuarantineLifted
  | DatasetVersionDeprecated
  | DatasetVersionDeprecationLifted
  | DatasetSensitivityClassified
  | DatasetQualityAssessed
  | DatasetVersionErased;

type Standing = Pick<DatasetSensitivityClassified, 'lawfulBasis' | 'allowedPurposes' | 'residency' | 'retentionUntil'>;
interface Living extends NamedVersion, Standing {
  readonly is: 'registered';
  readonly digest: string;
  readonly quarantined: boolean;
  /** Undefined: not deprecated. Empty: deprecated, and nothing takes its place. */
  readonly successor: string | undefined;
  readonly classes: ReadonlyMap<string, PiiClass>;
  /** Columns that a scan suspects and nobody has classed. */
  readonly unconfirmed: ReadonlySet<string>;
}
export type DatasetVersionState = { readonly is: 'none' } | Living | (NamedVersion & { readonly is: 'erased' });

/**
 * A version of a dataset: bytes that never change, with what was found in them and what is said of them.
 *
 *   none ── Register ──► registered ── Erase ──► erased: the bytes are gone, and nothing more is said
 *
 * While it is registered, and beside each other: in quarantine or not (nothing new is built on it), deprecated or not (nothing
 * new should be).
 */
export const datasetVersion: Decider<DatasetVersionState, DatasetVersionCommand, DatasetVersionEvent> = {
  category: 'registry.DatasetVersion',
  initial: { is: 'none' },

  decide(command, state): readonly DatasetVersionEvent[] {
    if (command.type === 'RegisterDatasetVersion') {
      if (state.is !== 'none') return [];
      const { assessment } = command;
      return [register(command), ...(assessment ? assessed(command, assessment, false) : [])];
    }
    if (state.is === 'none') throw datasetVersionNotFound('like this');
    if (state.is === 'erased') {
      if (command.type === 'EraseDatasetVersion') return [];
      throw datasetVersionErased(state);
    }
    switch (command.type) {
      case 'QuarantineDatasetVersion':
        return state.quarantined ? [] : [create(DatasetVersionQuarantinedSchema, { ...named(state), reason: command.reason })];
      case 'LiftQuarantine':
        if (!state.quarantined) return [];
        mustBeOtherEyes(command, `lift the quarantine of ${state.datasetName} version ${state.version}`);
        return [create(DatasetVersionQuarantineLiftedSchema, { ...named(state), reason: command.reason })];
      case 'DeprecateDatasetVersion': {
        const { reason, successorDatasetVersionId } = command;
        if (successorDatasetVersionId === state.datasetVersionId) throw refuse('SUCCESSOR_UNFIT', 'A version cannot take its own place. Name another one, or none.');
        return state.successor === successorDatasetVersionId ? [] : [create(DatasetVersionDeprecatedSchema, { ...named(state), reason, successorDatasetVersionId })];
      }
      case 'LiftDatasetVersionDeprecation':
        return state.successor === undefined ? [] : [create(DatasetVersionDeprecationLiftedSchema, named(state))];
      case 'ClassifySensitivity':
        return classified(command, state);
      case 'RecordQuality':
        return assessed(state, command.assessment, state.quarantined);
      case 'EraseDatasetVersion':
        return [erased(command, state)];
    }
  },

  evolve(state, event): DatasetVersionState {
    if (event.$typeName === 'vitae.registry.v1.DatasetVersionRegistered') return begun(event);
    if (state.is !== 'registered') return state;
    switch (event.$typeName) {
      case 'vitae.registry.v1.DatasetVersionQuarantined':
        return { ...state, quarantined: true };
      case 'vitae.registry.v1.DatasetVersionQuarantineLifted':
        return { ...state, quarantined: false };
      case 'vitae.registry.v1.DatasetVersionDeprecated':
        return { ...state, successor: event.successorDatasetVersionId };
      case 'vitae.registry.v1.DatasetVersionDeprecationLifted':
        return { ...state, successor: undefined };
      case 'vitae.registry.v1.DatasetSensitivityClassified': {
        const { lawfulBasis, allowedPurposes, residency, retentionUntil } = event;
        const said = new Map(event.columns.map(({ name, piiClass }) => [name, piiClass]));
        const unconfirmed = new Set([...state.unconfirmed].filter((name) => !said.has(name)));
        return { ...state, classes: new Map([...state.classes, ...said]), unconfirmed, lawfulBasis, allowedPurposes, residency, retentionUntil };
      }
      case 'vitae.registry.v1.DatasetQualityAssessed':
        return state;
      case 'vitae.registry.v1.DatasetVersionErased':
        return { is: 'erased', ...named(state) };
    }
  },
};

const named = ({ datasetVersionId, datasetName, version }: NamedVersion): NamedVersion => ({ datasetVersionId, datasetName, version });

function begun(event: DatasetVersionRegistered): DatasetVersionState {
  const { digest, columns, lawfulBasis, allowedPurposes, residency, retentionUntil } = event;
  return {
    is: 'registered',
    ...named(event),
    digest,
    quarantined: false,
    successor: undefined,
    classes: new Map(columns.map(({ name, piiClass }) => [name, piiClass])),
    unconfirmed: new Set(columns.filter(({ piiUnconfirmed }) => piiUnconfirmed).map(({ name }) => name)),
    lawfulBasis,
    allowedPurposes,
    residency,
    retentionUntil,
  };
}

/** Saying again what holds is no news, unless it confirms what was only suspected. */
function classified({ classes, ...said }: Eyes & ClassifySensitivity, state: Living): readonly DatasetVersionEvent[] {
  const unknown = Object.keys(classes).filter((name) => !state.classes.has(name));
  if (unknown.length > 0) throw refuse('COLUMN_UNKNOWN', `${state.datasetName} version ${state.version} has no column named ${unknown.join(', ')}. Its columns are ${[...state.classes.keys()].join(', ')}.`);
  const asked = Object.entries(classes).map(([name, piiClass]) => ({ name, piiClass: PII_CLASSES[piiClass] }));
  const news = asked.filter(({ name, piiClass }) => state.classes.get(name) !== piiClass || state.unconfirmed.has(name));
  if (news.length === 0) return [];
  const eased = news.filter(({ name, piiClass }) => piiClass < (state.unconfirmed.has(name) ? PiiClass.PERSONAL : (state.classes.get(name) ?? PiiClass.NONE)));
  if (eased.length > 0) mustBeOtherEyes(said, `say that ${eased.map(({ name }) => name).join(', ')} of ${state.datasetName} version ${state.version} ${eased.length === 1 ? 'is' : 'are'} less sensitive than declared or suspected`);
  const piiClass = strictestOf(new Map([...state.classes, ...news.map(({ name, piiClass: one }) => [name, one] as const)]).values());
  const standing = {
    lawfulBasis: said.lawfulBasis ?? state.lawfulBasis,
    allowedPurposes: [...(said.allowedPurposes ?? state.allowedPurposes)],
    residency: said.residency ?? state.residency,
    retentionUntil: said.retentionUntil ?? state.retentionUntil,
  };
  if (piiClass !== PiiClass.NONE && standing.lawfulBasis === '') {
    throw refuse('LAWFUL_BASIS_MISSING', `So classed, ${state.datasetName} version ${state.version} holds personal data and names no lawful basis. Give lawfulBasis, one of the grounds of GDPR Art. 6(1).`);
  }
  return [create(DatasetSensitivityClassifiedSchema, { ...named(state), columns: news.map((one) => create(ClassifiedColumnSchema, one)), piiClass, ...standing })];
}

/** Four eyes: who brought the data does not alone declare them harmless. To be stricter needs nobody else. */
function mustBeOtherEyes({ by, accounts, registrants }: Eyes, what: string): void {
  const own = registrants.find((one) => accounts.includes(one));
  if (own !== undefined) throw refuse('FOUR_EYES', `${own === by ? by : `${by} is the same person as ${own}, who`} registered it and so cannot ${what}. Ask somebody else.`, 403);
}

function assessed(of: NamedVersion, assessment: Assessment, quarantined: boolean): readonly DatasetVersionEvent[] {
  const { assessmentId, expectationsRevision, outcome, rowCount, results, onFailure } = assessment;
  const event = create(DatasetQualityAssessedSchema, { ...named(of), assessmentId, expectationsRevision, outcome: OUTCOMES[outcome], rowCount: BigInt(rowCount), results: results.map(resultOf) });
  if (outcome !== 'failed' || onFailure !== 'quarantine' || quarantined) return [event];
  const failed = results.filter(({ met, severity }) => !met && severity === 'error').map(({ expectation }) => expectation);
  const reason = `Its data do not meet what is expected of them (revision ${expectationsRevision}): ${failed.join(', ')}.`.slice(0, 5_000);
  return [event, create(DatasetVersionQuarantinedSchema, { ...named(of), reason, assessmentId })];
}

function erased({ reason, force, builtOn, needed }: EraseDatasetVersion, state: Living): DatasetVersionErased {
  if (builtOn.length > 0 && !force) {
    const some = builtOn.slice(0, 3).join(', ');
    throw refuse(
      'DATASET_BUILT_ON',
      `${builtOn.length === 1 ? 'A model version is' : `${builtOn.length} model versions are`} built on ${state.datasetName} version ${state.version} and not retired: ${some}${builtOn.length > 3 ? ', …' : ''}. Retire or delete them first, or insist with force.`,
      409,
    );
  }
  return create(DatasetVersionErasedSchema, { ...named(state), reason, removed: needed ? [] : [state.digest], builtOnModelVersionIds: [...builtOn] });
}

export const datasetVersionExists = (name: string, found: { readonly version: number; readonly erased: boolean } | undefined, digest: string): Refused =>
  refuse(
    'DATASET_VERSION_EXISTS',
    found?.erased
      ? `The bytes ${digest} were version ${found.version} of ${name}, which was erased; they do not come back under this name. Upload the changed data.`
      : `The bytes ${digest} are registered already, as version ${found?.version ?? '?'} of ${name}. Use that version, or upload the changed data.`,
    409,
  );

export const datasetVersionNotFound = (which: string): Refused =>
  refuse('DATASET_VERSION_NOT_FOUND', `There is no dataset version ${which} in this project. Register it first: POST …/datasets/<name>/versions.`, 404);
