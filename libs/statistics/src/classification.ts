/**
 * How well a binary classifier does against the labels that arrived. Labels and predictions are 0 or 1, scores are
 * probabilities of 1. Metrics that the data do not define (no rows, one class only) are null: a 0 would read as a failure.
 */
export type Binary = 0 | 1;

/** Rows by prediction and label. Adds up over windows and groups; late labels are added as they come. */
export type Confusion = {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
};

/** @throws RangeError when there are not as many predictions as labels. */
export function confusion(labels: readonly Binary[], predictions: readonly Binary[]): Confusion {
  if (labels.length !== predictions.length) throw new RangeError(`${labels.length} labels do not match ${predictions.length} predictions.`);
  let [truePositives, falsePositives, falseNegatives, trueNegatives] = [0, 0, 0, 0];
  predictions.forEach((prediction, row) => {
    if (Number.isNaN(prediction)) throw new RangeError(`The prediction of row ${row} is not a number. Leave the row out.`);
    const label = labels[row] ?? 0;
    if (label === 1 && prediction === 1) truePositives += 1;
    else if (prediction === 1) falsePositives += 1;
    else if (label === 1) falseNegatives += 1;
    else trueNegatives += 1;
  });
  return { truePositives, falsePositives, falseNegatives, trueNegatives };
}

export function addConfusions(a: Confusion, b: Confusion): Confusion {
  return {
    truePositives: a.truePositives + b.truePositives,
    falsePositives: a.falsePositives + b.falsePositives,
    falseNegatives: a.falseNegatives + b.falseNegatives,
    trueNegatives: a.trueNegatives + b.trueNegatives,
  };
}

/** (TP + TN) / rows. */
export function accuracy({ truePositives, falsePositives, falseNegatives, trueNegatives }: Confusion): number | null {
  return ratio(truePositives + trueNegatives, truePositives + falsePositives + falseNegatives + trueNegatives);
}

/** TP / (TP + FP). */
export function precision({ truePositives, falsePositives }: Confusion): number | null {
  return ratio(truePositives, truePositives + falsePositives);
}

/** TP / (TP + FN); also called sensitivity and true positive rate. */
export function recall({ truePositives, falseNegatives }: Confusion): number | null {
  return ratio(truePositives, truePositives + falseNegatives);
}

/** 2 TP / (2 TP + FP + FN): the harmonic mean of precision and recall. */
export function f1({ truePositives, falsePositives, falseNegatives }: Confusion): number | null {
  return ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives);
}

/**
 * Area under the ROC curve: the probability that a random positive scores higher than a random negative, ties counting half.
 * By ranks (Mann-Whitney): (R - P(P+1)/2) / (P N), with R the sum of the positives' ranks, tied scores sharing their mean rank.
 */
export function auc(labels: readonly Binary[], scores: readonly number[]): number | null {
  const rows = paired(labels, scores).sort(([, a], [, b]) => a - b);
  let rankSum = 0;
  let positives = 0;
  for (let start = 0; start < rows.length; ) {
    const score = rows[start]?.[1];
    let end = start;
    let tiedPositives = 0;
    while (end < rows.length && rows[end]?.[1] === score) {
      tiedPositives += rows[end]?.[0] ?? 0;
      end += 1;
    }
    rankSum += (tiedPositives * (start + 1 + end)) / 2; // ranks start+1 ... end
    positives += tiedPositives;
    start = end;
  }
  return ratio(rankSum - (positives * (positives + 1)) / 2, positives * (rows.length - positives));
}

/**
 * Mean of -ln(probability given to the label), nats; 0 is perfect.
 * Probabilities are kept 2.2e-16 away from 0 and 1, as scikit-learn does, so that one sure mistake costs 36 and not infinity.
 */
export function logLoss(labels: readonly Binary[], probabilities: readonly number[]): number | null {
  return mean(
    paired(labels, probabilities).map(([label, probability]) => {
      const kept = Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, probability));
      return -Math.log(label === 1 ? kept : 1 - kept);
    }),
  );
}

/** Brier score: mean of (probability - label)^2, 0 (perfect) to 1. */
export function brier(labels: readonly Binary[], probabilities: readonly number[]): number | null {
  return mean(paired(labels, probabilities).map(([label, probability]) => (probability - label) ** 2));
}

/** Labels with their values. A score that is no number would sort anywhere, so it is refused. */
function paired<T extends number>(labels: readonly Binary[], values: readonly T[]): [Binary, T][] {
  if (labels.length !== values.length) throw new RangeError(`${labels.length} labels do not match ${values.length} predictions.`);
  return values.map((value, row) => {
    if (Number.isNaN(value)) throw new RangeError(`The score of row ${row} is not a number. Leave the row out.`);
    return [labels[row] ?? 0, value];
  });
}

function mean(values: readonly number[]): number | null {
  return ratio(values.reduce((sum, value) => sum + value, 0), values.length);
}

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}
