import { create } from '@bufbuild/protobuf';
import {
  DriftRuleSchema,
  FeatureBaselineSchema,
  FeatureKind,
  type BaselineActivated,
  type DriftRule as DriftRuleMessage,
  type FeatureBaseline as FeatureBaselineMessage,
} from '@vitae/contracts';
import type { DriftRule, FeatureBaseline } from '@vitae/statistics';

/** The formulas of this build; changed whenever the same counts would give another verdict. */
export const RULE_VERSION = 'effect-evidence-persistence/1';

/** The numbers of a rule, as callers give them; everything else of the rule is fixed by its version. */
export interface RuleNumbers {
  readonly windowRows: number;
  readonly minimumRows: number;
  readonly qLevel: number;
  readonly psiWarning: number;
  readonly psiCritical: number;
  readonly fireWindows: number;
  readonly ofWindows: number;
  readonly clearWindows: number;
}

/** Simulated in @vitae/statistics: no alert in 24,000 healthy feature-windows, a shift of .4 sigma found in a median of two. */
export const DEFAULT_RULE: RuleNumbers = {
  windowRows: 1_000,
  minimumRows: 240,
  qLevel: 0.01,
  psiWarning: 0.1,
  psiCritical: 0.25,
  fireWindows: 2,
  ofWindows: 3,
  clearWindows: 3,
};
/** Hysteresis: calm is under this share of the warning threshold. */
const CLEAR_FACTOR = 0.8;
/** Under this share of answered rows a window says nothing about drift. */
const MINIMUM_COMPLETENESS = 0.95;

/** One feature's bins under its name. A list, because column names are the caller's and may be any text. */
export type Features = readonly (readonly [name: string, bins: FeatureBaseline])[];

/** What rows are compared with, and by which rule: rebuilt from the event alone. */
export interface Reference {
  readonly features: Features;
  readonly windowRows: number;
  readonly rule: DriftRule;
}

export function referenceOf({ features, rule }: BaselineActivated): Reference {
  if (!rule) throw new Error('a BaselineActivated without a rule was not written by append');
  return { features: features.map((feature) => [feature.name, binsOf(feature)]), windowRows: Number(rule.windowRows), rule: ruleOf(rule) };
}

export function featureMessage(name: string, bins: FeatureBaseline): FeatureBaselineMessage {
  const counts = bins.counts.map(BigInt);
  const missingCount = BigInt(bins.missing);
  return bins.kind === 'numeric'
    ? create(FeatureBaselineSchema, { name, kind: FeatureKind.NUMERIC, minimum: bins.min, edges: [...bins.edges], counts, missingCount })
    : create(FeatureBaselineSchema, { name, kind: FeatureKind.CATEGORICAL, categories: [...bins.categories], counts, otherCount: BigInt(bins.other), missingCount });
}

export function ruleMessage(numbers: RuleNumbers): DriftRuleMessage {
  return create(DriftRuleSchema, {
    ...numbers,
    version: RULE_VERSION,
    windowRows: BigInt(numbers.windowRows),
    minimumRows: BigInt(numbers.minimumRows),
    clearFactor: CLEAR_FACTOR,
    minimumCompleteness: MINIMUM_COMPLETENESS,
  });
}

function binsOf(feature: FeatureBaselineMessage): FeatureBaseline {
  const counts = feature.counts.map(Number);
  const missing = Number(feature.missingCount);
  return feature.kind === FeatureKind.NUMERIC
    ? { kind: 'numeric', min: feature.minimum, edges: feature.edges, counts, missing }
    : { kind: 'categorical', categories: feature.categories, counts, other: Number(feature.otherCount), missing };
}

function ruleOf(rule: DriftRuleMessage): DriftRule {
  return {
    minRows: Number(rule.minimumRows),
    minCompleteness: rule.minimumCompleteness,
    qLevel: rule.qLevel,
    psiWarn: rule.psiWarning,
    psiCritical: rule.psiCritical,
    persistence: { fire: rule.fireWindows, of: rule.ofWindows },
    clear: { after: rule.clearWindows, factor: rule.clearFactor },
  };
}
