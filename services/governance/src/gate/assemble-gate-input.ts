import { canonicalJson } from '@vitae/contracts';
import { dutiesIn, dutyPositions, type DutyFacts } from './duties-in.ts';
import { GATE_INPUT_SCHEMA, type GateInput } from './gate-input.ts';

/** The place of a fact in the ledger. */
export interface Position {
  readonly stream: string;
  readonly revision: number;
}

/** What governance's views know of a subject when its gate is asked. Lists are in a stable order. */
export interface GateFacts extends DutyFacts {
  readonly gate: string;
  readonly environment: { readonly name: string; readonly class: string; readonly region: string };
  readonly version: Position & {
    readonly id: string;
    readonly modelId: string;
    readonly modelName: string;
    readonly version: number;
    readonly digest: string;
    readonly useCaseId: string;
    readonly datasetVersionId: string;
    readonly datasetDigest: string;
    readonly contributors: readonly string[];
  };
  /** Absent when the model names one that governance does not have. */
  readonly useCase?:
    | (Position & {
        readonly id: string;
        readonly state: string;
        readonly purpose: string;
        readonly riskTier: string;
        readonly aiActClass: string;
        readonly requiredMetrics: readonly { readonly name: string; readonly direction: string; readonly threshold: number }[];
        readonly draftedAt: Date;
      })
    | undefined;
  readonly evaluations: readonly (Position & {
    readonly id: string;
    readonly digest: string;
    readonly source: 'measured' | 'reported';
    /** Null for a report on data that the registry does not have. */
    readonly datasetVersionId?: string | null | undefined;
    readonly split: string;
    readonly rowCount: number;
    readonly metrics: readonly { readonly name: string; readonly value: number }[];
    readonly groups: readonly { readonly attribute: string; readonly group: string; readonly n: number }[];
    readonly evaluatedAt: Date;
    readonly invalidatedAt?: Date | null | undefined;
    readonly invalidationCause?: string | null | undefined;
  })[];
  /** Those of the evaluations and the one it was trained on, as far as governance has heard of them. */
  readonly datasets: readonly (Position & {
    readonly id: string;
    readonly name: string;
    readonly digest: string;
    readonly pii: string;
    readonly lawfulBasis: string;
    readonly allowedPurposes: readonly string[];
    readonly residency: string;
    readonly retentionUntil: string;
    readonly protectedColumns: readonly string[];
  })[];
  /** Of these datasets, and of what they were made of: what is or ever was in quarantine. */
  readonly quarantines: readonly (Position & {
    readonly id: string;
    readonly name: string;
    readonly version: number;
    /** The dataset above that it is, or that was made of it. */
    readonly of: string;
    readonly open: boolean;
    readonly times: number;
  })[];
  /** All cases of this version at this gate, also those whose subject has changed. */
  readonly cases: readonly (Position & {
    readonly subjectHash: string;
    readonly requestedBy: string;
    readonly approvals: readonly {
      readonly role: string;
      readonly approver: string;
      readonly approverKind: string;
      /** Empty for the approver's own word. */
      readonly onBehalfOf: string;
      readonly decision: string;
      readonly givenAt: Date;
      readonly expiresAt?: Date | null | undefined;
    }[];
  })[];
  readonly incidents: readonly (Position & { readonly id: string; readonly title: string; readonly severity: string; readonly state: string })[];
}

/** SHA-256 of a text's UTF-8 bytes as `sha256:<hex>`. */
export type Sha256 = (text: string) => string;

/**
 * Names exactly what is approved: the artefact, where it goes, what for and how risky that is, and the data it came
 * from. Evidence (evaluations, incidents) is not part of it: new evidence is for the policies, not for the approval. That the
 * training data were put into quarantine is: who approved before did not know, and a lifted quarantine does not say that he would again.
 */
export function subjectHashOf({ gate, environment, version, useCase, quarantines }: Pick<GateFacts, 'gate' | 'environment' | 'version' | 'useCase' | 'quarantines'>, sha256: Sha256): string {
  const training = quarantines.filter(({ of }) => of === version.datasetVersionId);
  const subject = {
    gate,
    environment,
    version: { id: version.id, digest: version.digest, datasetDigest: version.datasetDigest },
    useCase: useCase
      ? {
          id: useCase.id,
          purpose: useCase.purpose,
          riskTier: useCase.riskTier,
          aiActClass: useCase.aiActClass,
          requiredMetrics: useCase.requiredMetrics.map(({ name, direction, threshold }) => ({ name, direction, threshold })),
        }
      : { id: version.useCaseId },
    ...(training.length > 0 ? { quarantines: training.map(({ id, times }) => ({ id, times })) } : {}),
  };
  return sha256(canonicalJson(subject));
}

/** The one way from what is known to what the policies read. Equal facts give equal input, byte for byte once canonical. */
export function assembleGateInput(
  facts: GateFacts,
  asked: { readonly at: string; readonly actor: { readonly id: string; readonly kind: string }; /** Who it is whose wish it is. */ readonly asker: string },
  sha256: Sha256,
): GateInput {
  const { version, useCase, cases } = facts;
  const evaluations = facts.evaluations.flatMap(({ datasetVersionId, ...one }) => (counts(one) && datasetVersionId ? [{ ...one, datasetVersionId }] : []));
  const subjectHash = subjectHashOf(facts, sha256);
  const current = cases.find((one) => one.subjectHash === subjectHash);
  const duties = dutiesIn(facts, { at: new Date(asked.at), asker: asked.asker, current, subjectHash });
  const datasetIds = [...new Set([version.datasetVersionId, ...evaluations.map(({ datasetVersionId }) => datasetVersionId)])];
  const datasetOf = (id: string) => facts.datasets.find((dataset) => dataset.id === id);
  return {
    schema: GATE_INPUT_SCHEMA,
    at: iso(asked.at),
    gate: { id: facts.gate },
    environment: facts.environment,
    actor: asked.actor,
    requesters: [...duties.requesters],
    model: { id: version.modelId, name: version.modelName },
    version: { id: version.id, number: version.version, digest: version.digest, contributors: [...duties.contributors] },
    useCase: useCase
      ? {
          id: useCase.id,
          state: useCase.state,
          riskTier: useCase.riskTier,
          euAiAct: { class: useCase.aiActClass },
          classifiedAt: iso(useCase.draftedAt),
        }
      : { id: version.useCaseId, state: 'unknown' },
    data: {
      ...(useCase ? { purpose: useCase.purpose } : {}),
      datasets: datasetIds.map((id) => {
        const dataset = datasetOf(id);
        if (!dataset) return { id, pii: 'unknown', allowedPurposes: [] };
        const retentionUntil = endOf(dataset.retentionUntil);
        return {
          id,
          name: dataset.name,
          digest: dataset.digest,
          pii: dataset.pii,
          allowedPurposes: dataset.allowedPurposes.filter((purpose) => purpose !== ''),
          ...(dataset.lawfulBasis === '' ? {} : { lawfulBasis: dataset.lawfulBasis }),
          ...(dataset.residency === '' ? {} : { residency: dataset.residency }),
          ...(retentionUntil === undefined ? {} : { retentionUntil }),
        };
      }),
      quarantined: facts.quarantines.filter(({ open }) => open).map(({ id, name, version: number, of }) => ({ id, name, version: number, of })),
    },
    requiredMetrics: (useCase?.requiredMetrics ?? []).map(({ name, direction, threshold }) => ({ name, direction: direction === 'at-most' ? 'at-most' : 'at-least', threshold })),
    evaluations: evaluations.flatMap(({ id, digest, datasetVersionId, split, rowCount, metrics, evaluatedAt }) =>
      metrics.map(({ name, value }) => ({ id, metric: name, value, versionDigest: digest, dataset: datasetVersionId, split, rows: rowCount, at: iso(evaluatedAt) })),
    ),
    protectedColumns: evaluations.flatMap(({ id, digest, datasetVersionId }) =>
      (datasetOf(datasetVersionId)?.protectedColumns ?? []).map((column) => ({ evaluation: id, column, versionDigest: digest })),
    ),
    groups: evaluations.flatMap(({ id, groups }) => groups.map(({ attribute, group, n }) => ({ evaluation: id, attribute, group, n }))),
    ...evidenceThatDoesNotCount(facts),
    subjectHash,
    ...(duties.people.length > 0 ? { people: duties.people.map(({ person, accounts }) => ({ person, accounts: [...accounts] })) } : {}),
    approvals: cases.flatMap((one) =>
      one.approvals.map(({ role, approver, onBehalfOf, approverKind, decision, givenAt, expiresAt }) => ({
        role,
        ...duties.voices({ approver, onBehalfOf, givenAt }),
        kind: approverKind,
        decision: decision === 'approved' ? ('approved' as const) : ('refused' as const),
        at: iso(givenAt),
        ...(expiresAt ? { expiresAt: iso(expiresAt) } : {}),
        subjectHash: one.subjectHash,
      })),
    ),
    incidents: facts.incidents.map(({ id, title, severity, state }) => ({ id, title, severity, state: state === 'closed' ? ('closed' as const) : ('open' as const) })),
  };
}

/** Evidence is what Vitae measured and nobody took back. */
const counts = ({ source, invalidatedAt }: Pick<GateFacts['evaluations'][number], 'source' | 'invalidatedAt'>): boolean => source === 'measured' && !invalidatedAt;

/** Told beside the evidence, so that a policy may ask for it and a denial can name it; absent where there is none. */
function evidenceThatDoesNotCount({ evaluations }: GateFacts): Pick<GateInput, 'reportedEvaluations' | 'invalidatedEvaluations'> {
  const reported = evaluations
    .filter(({ source, invalidatedAt }) => source === 'reported' && !invalidatedAt)
    .flatMap(({ id, digest, rowCount, metrics, evaluatedAt }) => metrics.map(({ name, value }) => ({ id, metric: name, value, versionDigest: digest, rows: rowCount, at: iso(evaluatedAt) })));
  const invalidated = evaluations.flatMap(({ id, digest, source, invalidatedAt, invalidationCause }) =>
    invalidatedAt && source === 'measured' ? [{ id, versionDigest: digest, cause: invalidationCause ?? 'other', at: iso(invalidatedAt) }] : [],
  );
  return {
    ...(reported.length > 0 ? { reportedEvaluations: reported } : {}),
    ...(invalidated.length > 0 ? { invalidatedEvaluations: invalidated } : {}),
  };
}

/** Every stream that the facts came from and how far it was read, in order of name. */
export function positionsOf(facts: GateFacts): readonly Position[] {
  const all = [facts.version, ...(facts.useCase ? [facts.useCase] : []), ...facts.evaluations, ...facts.datasets, ...facts.quarantines, ...facts.cases, ...facts.incidents, ...dutyPositions(facts)];
  const furthest = new Map<string, number>();
  for (const { stream, revision } of all) furthest.set(stream, Math.max(revision, furthest.get(stream) ?? 0));
  return [...furthest].map(([stream, revision]) => ({ stream, revision })).sort((a, b) => (a.stream < b.stream ? -1 : 1));
}

const iso = (time: Date | string): string => new Date(time).toISOString();

/** The last moment of an RFC 3339 date, or the moment that is given; undefined for what is neither. */
function endOf(date: string): string | undefined {
  const moment = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(date) ? `${date}T23:59:59.999Z` : date);
  return date === '' || Number.isNaN(moment) ? undefined : iso(new Date(moment));
}
