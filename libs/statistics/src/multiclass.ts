/**
 * How well a classifier with more than two classes does. Classes are numbered from 0, in an order that labels and
 * predictions share.
 */

/** Rows by label and prediction, flat: label * classes + prediction. */
export function confusionMatrix(labels: readonly number[], predictions: readonly number[], classes: number): number[] {
  if (labels.length !== predictions.length) throw new RangeError(`${labels.length} labels do not match ${predictions.length} predictions.`);
  const cells = Array.from({ length: classes * classes }, () => 0);
  labels.forEach((label, row) => {
    const cell = label * classes + (predictions[row] ?? 0);
    cells[cell] = (cells[cell] ?? 0) + 1;
  });
  return cells;
}

/**
 * Mean of the classes' F1, each class counting the same. Over the classes that are among the labels or the
 * predictions, as scikit-learn does; one that is never predicted rightly has 0.
 */
export function macroF1(matrix: readonly number[], classes: number): number | null {
  let [sum, present] = [0, 0];
  for (let one = 0; one < classes; one += 1) {
    let [labelled, predicted] = [0, 0];
    for (let other = 0; other < classes; other += 1) {
      labelled += matrix[one * classes + other] ?? 0;
      predicted += matrix[other * classes + one] ?? 0;
    }
    if (labelled + predicted === 0) continue;
    present += 1;
    sum += (2 * (matrix[one * classes + one] ?? 0)) / (labelled + predicted);
  }
  return present === 0 ? null : sum / present;
}

/** Share of the diagonal. */
export function matrixAccuracy(matrix: readonly number[], classes: number): { readonly right: number; readonly rows: number } {
  let [right, rows] = [0, 0];
  matrix.forEach((count, cell) => {
    rows += count;
    if (Math.floor(cell / classes) === cell % classes) right += count;
  });
  return { right, rows };
}

/** -ln of a probability, kept 2.2e-16 away from 0 and 1 as scikit-learn does: what a row adds to the log loss. */
export const surprise = (probability: number): number => -Math.log(Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, probability)));
