import {
  aucDifference,
  BOOTSTRAP,
  bootstrapCounts,
  comparedGroups,
  confusion,
  f1,
  fairnessValue,
  holm,
  macroF1,
  mcNemar,
  mean,
  normalDifference,
  pairedShareDifference,
  regressionDifference,
  REGRESSION_METRICS,
  standardError,
  surprise,
  type Confusion,
  type DifferenceEstimate,
} from '@vitae/statistics';
import { COMPARED_GROUP, surprisesOf } from './measure-binary.ts';
import { placesOf, type BinaryRows, type MulticlassRows, type RegressionRows, type ScoredRows } from './scored-rows.ts';

/** One metric of a version minus the same of another, on the same rows. */
export interface PairedDifference {
  readonly metric: string;
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
  /** Two-sided, that there is no difference. */
  readonly pValue: number;
  /** By Holm, over all that are claimed together. */
  readonly adjustedPValue: number;
  readonly method: 'mcnemar-mid-p' | 'delong' | 'influence' | 'bootstrap';
}
type Unadjusted = Omit<PairedDifference, 'adjustedPValue'>;

/** What the bootstrap is made with, so that it can be made again. */
export const MADE_WITH = BOOTSTRAP;

/** Between which groups a model can favour one more than another. Ratios say the same of them once more and are left out, so that fewer tests are adjusted for. */
const COMPARED_FAIRNESS = ['demographic_parity_difference', 'equal_opportunity_difference', 'equalized_odds_difference', 'predictive_parity_difference'] as const;

/**
 * Each of the others minus the baseline, metric by metric. The p values are adjusted over all of them together, so that
 * the more is compared, the more is asked before a difference counts.
 *
 * @throws RangeError unless all do the same task.
 */
export function compareVersions(baseline: ScoredRows, others: readonly ScoredRows[]): PairedDifference[][] {
  const found = others.map((other) => pairOf(other, baseline));
  const adjusted = holm(found.flat().map(({ pValue }) => pValue));
  let next = 0;
  return found.map((differences) => differences.map((difference) => ({ ...difference, adjustedPValue: adjusted[next++] ?? 1 })));
}

function pairOf(first: ScoredRows, second: ScoredRows): Unadjusted[] {
  if (first.task === 'binary-classification' && second.task === first.task) return binary(first, second);
  if (first.task === 'multiclass-classification' && second.task === first.task) return multiclass(first, second);
  if (first.task === 'regression' && second.task === first.task) return regression(first, second);
  throw new RangeError(`${first.task} and ${second.task} have no metric in common.`);
}

function binary(first: BinaryRows, second: BinaryRows): Unadjusted[] {
  const { labels } = first;
  return [
    ...accuracy(first, second),
    ...(first.scores && second.scores ? told('auc', 'delong', aucDifference(labels, first.scores, second.scores)) : []),
    ...resampledF1(first, second),
    ...(first.scores && second.scores ? told('log_loss', 'influence', meanDifference(surprisesOf(labels, first.scores), surprisesOf(labels, second.scores))) : []),
    ...Object.entries(first.groups).flatMap(([column, values]) => fairnessOf(column, values, first, second)),
  ];
}

function multiclass(first: MulticlassRows, second: MulticlassRows): Unadjusted[] {
  const names = [...new Set([...first.classes, ...second.classes])];
  const cells = cellsOf(first.labels.map((label, row) => [first.classes[label] ?? '', first.classes[first.predictions[row] ?? 0] ?? '', second.classes[second.predictions[row] ?? 0] ?? '']));
  const places = cells.kinds.map(([label = '', ...said]) => said.map((one) => names.indexOf(label) * names.length + names.indexOf(one)));
  const macro = (counts: readonly number[], which: 0 | 1): number | null => {
    const matrix = Array.from({ length: names.length ** 2 }, () => 0);
    places.forEach((of, cell) => {
      const place = of[which] ?? 0;
      matrix[place] = (matrix[place] ?? 0) + (counts[cell] ?? 0);
    });
    return macroF1(matrix, names.length);
  };
  const [f1Difference = null] = bootstrapCounts(cells.counts, (counts) => [minus(macro(counts, 0), macro(counts, 1))]);
  return [
    ...accuracy(first, { ...second, predictions: second.predictions.map((place) => first.classes.indexOf(second.classes[place] ?? '')) }),
    ...told('macro_f1', 'bootstrap', f1Difference),
    ...(first.scores && second.scores ? told('log_loss', 'influence', meanDifference(first.scores.map(surprise), second.scores.map(surprise))) : []),
  ];
}

const regression = (first: RegressionRows, second: RegressionRows): Unadjusted[] =>
  REGRESSION_METRICS.flatMap((metric) => told(metric, 'influence', regressionDifference(metric, first.labels, first.predictions, second.predictions)));

function accuracy({ labels, predictions }: Pick<MulticlassRows, 'labels' | 'predictions'>, other: Pick<MulticlassRows, 'predictions'>): Unadjusted[] {
  let [onlyFirst, onlySecond] = [0, 0];
  labels.forEach((label, row) => {
    const [right, otherRight] = [predictions[row] === label, other.predictions[row] === label];
    if (right && !otherRight) onlyFirst += 1;
    if (otherRight && !right) onlySecond += 1;
  });
  const difference = pairedShareDifference(onlyFirst, onlySecond, labels.length);
  return told('accuracy', 'mcnemar-mid-p', difference && { ...difference, pValue: mcNemar(onlyFirst, onlySecond).midP });
}

function resampledF1(first: BinaryRows, second: BinaryRows): Unadjusted[] {
  const cells = cellsOf(first.labels.map((label, row) => [String(label), String(first.predictions[row]), String(second.predictions[row])]));
  const [of, ofOther] = [confusionsOf(cells, 1), confusionsOf(cells, 2)];
  const [difference = null] = bootstrapCounts(cells.counts, (counts) => [minus(f1(of(counts)), f1(ofOther(counts)))]);
  return told('f1', 'bootstrap', difference);
}

/** Of the groups of one column that are large enough. All measures are taken of the same resamples. */
function fairnessOf(column: string, values: readonly string[], first: BinaryRows, second: BinaryRows): Unadjusted[] {
  const large = [...placesOf(values)].filter(([, places]) => {
    const labels = places.map((place) => first.labels[place] ?? 0);
    return comparedGroups([confusion(labels, labels)], COMPARED_GROUP).length > 0;
  });
  if (large.length < 2) return [];
  const cells = cellsOf(large.flatMap(([group, places]) => places.map((place) => [String(first.labels[place]), String(first.predictions[place]), String(second.predictions[place]), group])));
  const ofGroups = ([1, 2] as const).map((which) => large.map(([group]) => confusionsOf(cells, which, group)));
  const found = bootstrapCounts(cells.counts, (counts) => {
    const [these = [], others = []] = ofGroups.map((groups) => groups.map((of) => of(counts)));
    return COMPARED_FAIRNESS.map((measure) => minus(fairnessValue(measure, these), fairnessValue(measure, others)));
  });
  return COMPARED_FAIRNESS.flatMap((measure, i) => told(`${measure}:${column}`, 'bootstrap', found[i] ?? null));
}

/** Kinds of rows and how many there are of each. */
interface Cells {
  /** Label, the first's answer, the second's, and whatever else tells rows apart. */
  readonly kinds: readonly (readonly string[])[];
  readonly counts: readonly number[];
}

function cellsOf(rows: readonly (readonly string[])[]): Cells {
  const cells = new Map<string, { kind: readonly string[]; count: number }>();
  for (const kind of rows) {
    const key = kind.map((part) => `${part.length}:${part}`).join(); // with lengths, so that no two kinds are one
    const cell = cells.get(key);
    if (cell) cell.count += 1;
    else cells.set(key, { kind, count: 1 });
  }
  return { kinds: [...cells.values()].map(({ kind }) => kind), counts: [...cells.values()].map(({ count }) => count) };
}

/** How to add up the counts of one model's answers. Which kinds belong where is found once, for there are many resamples. */
function confusionsOf({ kinds }: Cells, which: 1 | 2, group?: string): (counts: readonly number[]) => Confusion {
  const places = (label: string, said: string): number[] => kinds.flatMap((kind, cell) => (kind[0] === label && kind[which] === said && (group === undefined || kind[3] === group) ? [cell] : []));
  const [tp, fp, fn, tn] = [places('1', '1'), places('0', '1'), places('1', '0'), places('0', '0')];
  return (counts) => {
    const sum = (cells: readonly number[]): number => cells.reduce((total, cell) => total + (counts[cell] ?? 0), 0);
    return { truePositives: sum(tp), falsePositives: sum(fp), falseNegatives: sum(fn), trueNegatives: sum(tn) };
  };
}

function meanDifference(first: readonly number[], second: readonly number[]): DifferenceEstimate | null {
  const differences = first.map((value, row) => value - (second[row] ?? 0));
  return differences.length < 2 ? null : normalDifference(mean(differences), standardError(differences));
}

const minus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a - b);

const told = (metric: string, method: PairedDifference['method'], of: DifferenceEstimate | null): Unadjusted[] =>
  of === null ? [] : [{ metric, value: of.value, lower: of.low, upper: of.high, pValue: of.pValue, method }];
