export {
  fitCategorical,
  fitNumeric,
  type CategoricalBaseline,
  type FeatureBaseline,
  type NumericBaseline,
} from './bins.ts';
export { BOOTSTRAP, bootstrapCounts, quantile, type Resampled } from './bootstrap.ts';
export { DEFAULT_CANARY_RULE, judgeCanary, zeroEventRequests, type CanaryRule, type CanaryVerdict } from './canary-verdict.ts';
export { chiSquareTail, contingencyChiSquare, type ChiSquare } from './chi-square.ts';
export { accuracy, addConfusions, auc, brier, confusion, f1, logLoss, precision, recall, type Binary, type Confusion } from './classification.ts';
export { coarsen } from './coarsen.ts';
export { aucDifference, aucEstimate, placements, type Placements } from './delong.ts';
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
export {
  calibrationGap,
  comparedGroups,
  FAIRNESS_MEASURES,
  fairnessEstimate,
  fairnessValue,
  largestGap,
  type FairnessMeasure,
} from './fairness-measures.ts';
export { mean, normalDifference, normalEstimate, standardError, twoSided, type DifferenceEstimate, type Estimate } from './interval.ts';
export { mcNemar, pairedShareDifference, type McNemar } from './mcnemar.ts';
export { confusionMatrix, macroF1, matrixAccuracy, surprise } from './multiclass.ts';
export { benjaminiHochberg, holm } from './multiple-testing.ts';
export { newcombe, shareRatio, wilson, type Proportion } from './proportion.ts';
export { REGRESSION_METRICS, regressionDifference, regressionEstimate, regressionMetric, type RegressionMetric } from './regression.ts';
export { binomialFrom, seededRandom, type RandomNumbers } from './seeded-random.ts';
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
