import type { Task } from './measured.ts';
import { refuse } from './evaluation.ts';
import { classesFrom, classesOf, labelOf, type ModelOutputs } from './model-output.ts';
import type { MulticlassRows, RegressionRows, ScoredRows, BinaryRows } from './scored-rows.ts';

/** Labels as texts of the file and answers as the model gave them, row by row. */
export interface RawRows {
  readonly labels: readonly (string | null)[];
  /** What the class output said; empty when there is none. */
  readonly classes: readonly (number | string)[];
  /** What the other output said, flat. */
  readonly scores: readonly number[];
  /** Scores of one row. */
  readonly width: number;
  readonly groups: ScoredRows['groups'];
  readonly slices: ScoredRows['slices'];
}

/** More classes are no classes: then the label is a number, a name or an id. */
const MOST_CLASSES = 100;

/**
 * Finds out what the model does and reads labels and answers in that way. Probabilities of more than two classes, or
 * classes other than 0 and 1: several classes. A lone number for each row: the probability of 1, unless the model's
 * task says regression or a label is neither 0 nor 1.
 *
 * @param hint the task that the model was registered with, in whatever words.
 * @throws Refused LABEL_NOT_BINARY, LABEL_UNFIT, OUTPUT_UNSUPPORTED.
 */
export function interpret(raw: RawRows, outputs: ModelOutputs, labelColumn: string, hint: string): ScoredRows {
  switch (taskOf(raw, outputs, hint)) {
    case 'binary-classification':
      return binary(raw, outputs, labelColumn);
    case 'multiclass-classification':
      return multiclass(raw, outputs, labelColumn);
    case 'regression':
      return regression(raw, labelColumn);
  }
}

function taskOf({ labels, classes, width }: RawRows, { label, scores }: ModelOutputs, hint: string): Task {
  if (width > 2) return 'multiclass-classification';
  const allBinary = labels.every(isBinary) && classes.every((one) => isBinary(String(one)));
  if (label === undefined) {
    if (width === 2 || /classif/i.test(hint)) return 'binary-classification';
    return /regress/i.test(hint) || !labels.every(isBinary) ? 'regression' : 'binary-classification';
  }
  const named = classes.some((one) => typeof one === 'string');
  return allBinary || (scores !== undefined && !named) ? 'binary-classification' : 'multiclass-classification';
}

const isBinary = (text: string | null): boolean => text !== null && /^([01](\.0)?|true|false)$/i.test(text);

function binary({ labels, classes, scores, width, ...parts }: RawRows, outputs: ModelOutputs, labelColumn: string): BinaryRows {
  const truth = labels.map((text) => labelOf(text, labelColumn));
  const probabilities = outputs.scores === undefined ? undefined : truth.map((_, row) => scores[row * width + width - 1] ?? Number.NaN);
  return { task: 'binary-classification', labels: truth, predictions: outputs.label === undefined ? classesFrom(probabilities ?? []) : classesOf({ data: classes, shape: [classes.length] }), scores: probabilities, ...parts };
}

function multiclass({ labels, classes, scores, width, ...parts }: RawRows, outputs: ModelOutputs, labelColumn: string): MulticlassRows {
  const truth = labels.map((text) => className(mustHave(text, labelColumn)));
  const said = outputs.label === undefined ? truth.map((_, row) => String(likeliest(scores, row * width, width))) : classes.map((one) => className(String(one)));
  const found = [...new Set([...truth, ...said])];
  const numbered = outputs.scores !== undefined && found.every((one) => /^\d+$/.test(one) && Number(one) < width);
  // By number where the classes are the places of the probabilities, otherwise in the order of their names, as scikit-learn has them.
  const names = numbered ? Array.from({ length: width }, (_, place) => String(place)) : found.sort();
  if (names.length > MOST_CLASSES) throw unfit(labelColumn, `holds ${names.length} different values, and a classifier has at most ${MOST_CLASSES} classes`, 'Name another column as the label.');
  const placeOf = new Map(names.map((one, place) => [one, place]));
  const places = (values: readonly string[]): number[] => values.map((one) => placeOf.get(one) ?? 0);
  const inOrder = outputs.scores !== undefined && names.length === width;
  const label = places(truth);
  return { task: 'multiclass-classification', classes: names, labels: label, predictions: places(said), scores: inOrder ? label.map((place, row) => scores[row * width + place] ?? Number.NaN) : undefined, ...parts };
}

function regression({ labels, scores, width: _, classes: __, ...parts }: RawRows, labelColumn: string): RegressionRows {
  const truth = labels.map((text) => {
    const number = Number(mustHave(text, labelColumn));
    if (!Number.isFinite(number)) throw unfit(labelColumn, 'holds something that is no number', 'A model that answers one number for each row is measured against numbers.');
    return number;
  });
  return { task: 'regression', labels: truth, predictions: scores, ...parts };
}

function likeliest(scores: readonly number[], from: number, width: number): number {
  let best = 0;
  for (let place = 1; place < width; place += 1) if ((scores[from + place] ?? 0) > (scores[from + best] ?? 0)) best = place;
  return best;
}

/** 1, 1.0 and 01 are one class; a name is as it is spelt. */
const className = (text: string): string => (/^[+-]?\d+(\.\d+)?$/.test(text) ? String(Number(text)) : text);

function mustHave(text: string | null, labelColumn: string): string {
  if (text === null || text === '') throw unfit(labelColumn, 'holds an empty value', 'Register a dataset version whose label is filled in every row of the split.');
  return text;
}

const unfit = (column: string, why: string, advice: string) => refuse('LABEL_UNFIT', `The label column ${column} ${why}. ${advice}`);
