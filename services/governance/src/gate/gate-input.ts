import { z } from 'zod';

/** The version of what policies may read. Fields may be added, as optional ones: what was recorded before reads as it did. Any other change is a new version. */
export const GATE_INPUT_SCHEMA = 'gate-input/1';

/** Written as a JSON number, read by CEL as an int: JSON knows only doubles, and CEL does not mix the two in arithmetic. */
const int = z.int().transform(BigInt);
const instant = z.iso.datetime();
const text = z.string().min(1);

/**
 * Everything that a policy may read, and nothing else: no clock, no service, no table.
 * No nulls: what is not known is an absent key, which CEL's `has()` sees and whose use is an error, hence a denial.
 * Parsing it lowers the integers; the linter of the policies reads it too, so that a field is written down once.
 */
export const gateInput = z.strictObject({
  schema: z.literal(GATE_INPUT_SCHEMA),
  at: instant,
  gate: z.strictObject({ id: text }),
  environment: z.strictObject({ name: text, class: text, region: text }),
  /** Who asks now. */
  actor: z.strictObject({ id: text, kind: text }),
  /**
   * Who asks now, who asked for the approvals, and who asked the gate about this subject before judging it: none of them may
   * be an approver. People are named here by one name for each human, as the links were when it was asked (`people`).
   */
  requesters: z.array(text),
  model: z.strictObject({ id: text, name: text }),
  /** Contributors: who was named, and who had a part in the version or in what it was made of. */
  version: z.strictObject({ id: text, number: int, digest: text, contributors: z.array(text) }),
  /** With state `unknown` and nothing else when the model names a use case that governance does not have. */
  useCase: z.strictObject({
    id: text,
    state: text,
    riskTier: text.optional(),
    euAiAct: z.strictObject({ class: text }).optional(),
    classifiedAt: instant.optional(),
  }),
  data: z.strictObject({
    purpose: text.optional(),
    /** What the version was trained and evaluated on. */
    datasets: z.array(
      z.strictObject({
        id: text,
        name: text.optional(),
        digest: text.optional(),
        /** none, personal, special; `unknown` when governance has not heard of it. */
        pii: text,
        lawfulBasis: text.optional(),
        allowedPurposes: z.array(text),
        residency: text.optional(),
        retentionUntil: instant.optional(),
      }),
    ),
    /**
     * Which of them, or of what they were made of (`of` is the dataset above), are in quarantine. Always there; absent only in
     * what was recorded before there was such a thing.
     */
    quarantined: z.array(z.strictObject({ id: text, name: text, version: int, of: text })).optional(),
  }),
  requiredMetrics: z.array(z.strictObject({ name: text, direction: z.enum(['at-least', 'at-most']), threshold: z.number() })),
  /** One for each metric of each evaluation of the version. */
  evaluations: z.array(z.strictObject({ id: text, metric: text, value: z.number(), versionDigest: text, dataset: text, split: z.string(), rows: int, at: instant })),
  /** The columns by which fairness has to be measured in each evaluation. */
  protectedColumns: z.array(z.strictObject({ evaluation: text, column: text, versionDigest: text })),
  groups: z.array(z.strictObject({ evaluation: text, attribute: text, group: text, n: int })),
  /** What others say that they measured: no evidence, unless a policy takes it for some. One for each metric; without a digest for a version by reference. */
  reportedEvaluations: z.array(z.strictObject({ id: text, metric: text, value: z.number(), versionDigest: z.string(), rows: int, at: instant })).default([]),
  /** What was measured and is no evidence any more. */
  invalidatedEvaluations: z.array(z.strictObject({ id: text, versionDigest: text, cause: text, at: instant })).default([]),
  subjectHash: text,
  /** The humans among those who are named that have more than one account. */
  people: z.array(z.strictObject({ person: text, accounts: z.array(text) })).default([]),
  /** The last word of each account in each role, also on subjects that have changed since. */
  approvals: z.array(
    z.strictObject({
      role: text,
      by: text,
      /** Whose word it is, when `by` spoke by delegation. */
      onBehalfOf: text.optional(),
      /** The requesters and contributors whose delegate `by`, or `onBehalfOf`, was at some moment between this word and now. */
      delegateOf: z.array(text).default([]),
      kind: text,
      decision: z.enum(['approved', 'refused']),
      at: instant,
      expiresAt: instant.optional(),
      subjectHash: text,
    }),
  ),
  incidents: z.array(z.strictObject({ id: text, title: text, severity: text, state: z.enum(['open', 'closed']) })),
});

/** The input as JSON: what is recorded and hashed. */
export type GateInput = z.input<typeof gateInput>;
/** The input as CEL reads it, with its integers as such. */
export type LoweredGateInput = z.output<typeof gateInput>;
