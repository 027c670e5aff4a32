import { bootstrapCounts, confusionMatrix, macroF1, matrixAccuracy, mean, normalEstimate, standardError, surprise, wilson } from '@vitae/statistics';
import { estimated, estimatedOr, type Measured } from './measured.ts';
import type { MulticlassRows } from './scored-rows.ts';

/** Accuracy, macro F1 and log loss. */
export function ofMulticlass(rows: MulticlassRows): Measured[] {
  const classes = rows.classes.length;
  const surprises = rows.scores?.map(surprise);
  const matrix = confusionMatrix(rows.labels, rows.predictions, classes);
  const [f1 = null] = bootstrapCounts(matrix, (resample) => [macroF1(resample, classes)]);
  return [
    ...accuracyOf(rows),
    ...estimatedOr('macro_f1', f1, () => macroF1(matrix, classes)),
    ...(surprises && surprises.length > 1 ? estimated('log_loss', normalEstimate(mean(surprises), standardError(surprises))) : []),
  ];
}

export function accuracyOf({ labels, predictions, classes }: MulticlassRows): Measured[] {
  const { right, rows } = matrixAccuracy(confusionMatrix(labels, predictions, classes.length), classes.length);
  return estimated('accuracy', wilson(right, rows));
}
