import type { Binary } from '@vitae/statistics';
import type { Tensor } from '../model-version/tensor-spec.ts';
import { refuse } from './evaluation.ts';

/** Which outputs of a model say what. At least one of the two is there. */
export interface ModelOutputs {
  /** Gives the class of each row. */
  readonly label?: string | undefined;
  /** Gives numbers: the probability of 1 (alone, or as the second of two), of each of several classes, or the answer of a regressor. */
  readonly scores?: string | undefined;
}

/** Values of an output, flat and row by row. */
export interface OutputValues {
  readonly data: ArrayLike<number | bigint | string>;
  readonly shape: readonly number[];
}

const FRACTIONS = ['FP32', 'FP64'];
const CLASSES = ['INT64', 'INT32', 'BOOL', 'BYTES'];

/**
 * Finds classes and numbers among a model's outputs: by their usual names (skl2onnx, the Open Inference Protocol),
 * otherwise by type.
 * @throws Refused OUTPUT_UNSUPPORTED.
 */
export function modelOutputs(outputs: readonly Tensor[]): ModelOutputs {
  const flat = ({ shape }: Tensor): boolean => shape.length === 1 || (shape.length === 2 && (shape[1] === 1 || shape[1] === -1));
  const ofSeveral = ({ shape }: Tensor): boolean => shape.length === 2 && (shape[1] ?? 0) >= 2;
  const labels = outputs.filter((output) => CLASSES.includes(output.datatype) && flat(output));
  const scores = outputs.filter((output) => FRACTIONS.includes(output.datatype) && (flat(output) || ofSeveral(output)));
  const named = (candidates: readonly Tensor[], ...usual: string[]): string | undefined =>
    (candidates.find(({ name }) => usual.includes(name)) ?? candidates[0])?.name;
  const found = { label: named(labels, 'label', 'output_label'), scores: named(scores, 'probabilities', 'output_probability', 'scores') };
  if (found.label === undefined && found.scores === undefined) {
    const have = outputs.map(({ name, datatype, shape }) => `${name} ${datatype} ${JSON.stringify(shape)}`).join(', ');
    throw refuse('OUTPUT_UNSUPPORTED', `The model's outputs are ${have}; what can be measured is a class for each row, probabilities of its classes, or one number. Export it with one of these.`);
  }
  return found;
}

/** The class of each row. */
export function classesOf({ data }: OutputValues): Binary[] {
  return Array.from(data, (value) => {
    const number = Number(value);
    if (number === 0 || number === 1) return number;
    throw refuse('OUTPUT_UNSUPPORTED', `The model answered the class ${JSON.stringify(String(value))}; only 0 and 1 can be measured. Export it with these classes.`);
  });
}

/** Class 1 from a probability of one half on. */
export const classesFrom = (scores: readonly number[]): Binary[] => scores.map((score) => (score >= 0.5 ? 1 : 0));

/**
 * A label as its text in the data.
 * @throws Refused LABEL_NOT_BINARY.
 */
export function labelOf(text: string | null, column: string): Binary {
  switch (text?.toLowerCase()) {
    case '1':
    case '1.0':
    case 'true':
      return 1;
    case '0':
    case '0.0':
    case 'false':
      return 0;
    default:
      throw refuse('LABEL_NOT_BINARY', `The label column ${column} holds ${text === null ? 'an empty value' : 'something'} that is neither 0 nor 1. Register a dataset version whose label is 0 or 1 in every row of the split.`);
  }
}
