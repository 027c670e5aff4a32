export {
  fitCategorical,
  fitNumeric,
  type CategoricalBaseline,
  type FeatureBaseline,
  type NumericBaseline,
} from './bins.ts';
export { DEFAULT_CANARY_RULE, judgeCanary, zeroEventRequests, type CanaryRule, type CanaryVerdict } from './canary-verdict.ts';
export { chiSquareTail, contingencyChiSquare, type ChiSquare } from './chi-square.ts';
export { accuracy, addConfusions, auc, brier, confusion, f1, logLoss, precision, recall, type Binary, type Confusion } from './classification.ts';
export { coarsen } from './coarsen.ts';
export { hellinger, jensenShannon, kolmogorovSmirnov, lInfinity, psi, totalVariation, type Psi } from './divergence.ts';
export { persist, type AlertTransition, type DriftHistory, type FeatureMemory } from './drift-persistence.ts';
export {
  DEFAULT_DRIFT_RULE,
  judgeWindow,
  type DriftRule,
  type DriftWindow,
  type Effect,
  type FeatureFinding,
  type WindowState,
  type WindowVerdict,
} from './drift-verdict.ts';
export { DEFAULT_GROUP_SIZE, fairness, type Fairness, type GroupRates, type GroupSize } from './fairness.ts';
export { benjaminiHochberg } from './multiple-testing.ts';
export { wilson, type Proportion } from './proportion.ts';
export {
  addErrorWindow,
  eValue,
  fails,
  logEValue,
  startErrorRatioTest,
  type ErrorCount,
  type ErrorRatioTest,
  type ErrorWindow,
} from './sequential.ts';
export {
  addValue,
  emptySummary,
  mergeSummaries,
  referenceSummary,
  rowsIn,
  summarise,
  type CategoricalSummary,
  type NumericSummary,
  type WindowSummary,
} from './window-summary.ts';
