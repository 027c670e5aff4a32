import {
  auc,
  aucEstimate,
  bootstrapCounts,
  brier,
  calibrationGap,
  comparedGroups,
  confusion,
  f1,
  fairnessEstimate,
  FAIRNESS_MEASURES,
  largestGap,
  logLoss,
  mean,
  normalEstimate,
  standardError,
  surprise,
  wilson,
  type Confusion,
  type Estimate,
  type GroupSize,
} from '@vitae/statistics';
import { estimated, estimatedOr, type Measured, type MeasuredGroup } from './measured.ts';
import type { BinaryRows, ScoredRows } from './scored-rows.ts';

/**
 * Groups under either number are reported and not compared: a rate of a handful of rows is mostly chance. Smaller
 * than the library's default, which is meant for windows of traffic; a test split is what it is. The gate's fairness
 * policy asks for 20 rows as well.
 */
export const COMPARED_GROUP: GroupSize = { minRows: 20, minPositives: 5 };

export const countsOf = ({ truePositives, falsePositives, falseNegatives, trueNegatives }: Confusion): number[] => [truePositives, falsePositives, falseNegatives, trueNegatives];
export const confusionOf = ([truePositives = 0, falsePositives = 0, falseNegatives = 0, trueNegatives = 0]: readonly number[]): Confusion => ({ truePositives, falsePositives, falseNegatives, trueNegatives });

/** Of all the rows given. */
export function ofBinary({ labels, predictions, scores }: BinaryRows): Measured[] {
  const counts = confusion(labels, predictions);
  const { truePositives, falsePositives, falseNegatives } = counts;
  const [f1Of = null] = bootstrapCounts(countsOf(counts), (resample) => [f1(confusionOf(resample))]);
  return [
    ...right(counts),
    ...(scores ? estimatedOr('auc', aucEstimate(labels, scores), () => auc(labels, scores)) : []),
    ...estimatedOr('f1', f1Of, () => f1(counts)),
    ...estimated('precision', wilson(truePositives, truePositives + falsePositives)),
    ...estimated('recall', wilson(truePositives, truePositives + falseNegatives)),
    ...(scores ? estimatedOr('log_loss', meanOf(surprisesOf(labels, scores)), () => logLoss(labels, scores)) : []),
    ...(scores ? estimatedOr('brier', meanOf(scores.map((score, row) => (score - (labels[row] ?? 0)) ** 2)), () => brier(labels, scores)) : []),
  ];
}

/** What each row adds to the log loss. */
export const surprisesOf = (labels: readonly number[], scores: readonly number[]): number[] => scores.map((score, row) => surprise(labels[row] === 1 ? score : 1 - score));

const meanOf = (values: readonly number[]): Estimate | null => (values.length < 2 ? null : normalEstimate(mean(values), standardError(values)));

/** Of the groups of one protected column, and between them. */
export function ofBinaryColumn(attribute: string, parts: readonly { readonly group: string; readonly rows: ScoredRows }[]): { between: Measured[]; groups: MeasuredGroup[] } {
  const groups = parts.flatMap(({ group, rows }) => {
    if (rows.task !== 'binary-classification') return [];
    const counts = confusion(rows.labels, rows.predictions);
    return [{ group, counts, gap: rows.scores ? calibrationGap(rows.labels, rows.scores) : null }];
  });
  const compared = groups.filter(({ counts }) => comparedGroups([counts], COMPARED_GROUP).length > 0);
  const gaps = compared.flatMap(({ gap }) => gap ?? []);
  return {
    between: [
      ...FAIRNESS_MEASURES.flatMap((measure) => estimated(`${measure}:${attribute}`, fairnessEstimate(measure, compared.map(({ counts }) => counts)))),
      ...estimated(`calibration_difference:${attribute}`, gaps.length === compared.length ? largestGap(gaps) : null),
    ],
    groups: groups.map(({ group, counts, gap }) => ofBinaryGroup(attribute, group, counts, gap)),
  };
}

function ofBinaryGroup(attribute: string, group: string, counts: Confusion, gap: Estimate | null): MeasuredGroup {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = counts;
  const [positives, negatives, selected] = [truePositives + falseNegatives, falsePositives + trueNegatives, truePositives + falsePositives];
  return {
    attribute,
    group,
    rowCount: positives + negatives,
    positiveCount: positives,
    metrics: [
      ...estimated('tpr', wilson(truePositives, positives)),
      ...estimated('fpr', wilson(falsePositives, negatives)),
      ...estimated('selection_rate', wilson(selected, positives + negatives)),
      ...right(counts),
      ...estimated('ppv', wilson(truePositives, selected)),
      ...estimated('calibration_gap', gap),
    ],
  };
}

function right({ truePositives, falsePositives, falseNegatives, trueNegatives }: Confusion): Measured[] {
  return estimated('accuracy', wilson(truePositives + trueNegatives, truePositives + falsePositives + falseNegatives + trueNegatives));
}
