import { create } from '@bufbuild/protobuf';
import { SuiteContentSchema, SuiteKind, type Slice as SliceMessage, type SuiteContent as SuiteContentMessage } from '@vitae/contracts';
import type { Slice } from '../evaluation/slice.ts';
import { thresholdFrom, thresholdMessage } from '../evaluation/suite-result.ts';
import type { Threshold } from '../evaluation/threshold.ts';

/** How versions are evaluated: on which rows, what has to be measured, and what must come out. */
export interface SuiteContent {
  /** tabular: run by Vitae. llm: answers are judged elsewhere and reported. */
  readonly kind: 'tabular' | 'llm';
  readonly purpose: string;
  readonly datasets: readonly { readonly datasetVersionId: string; readonly split: string }[];
  readonly metrics: readonly string[];
  readonly thresholds: readonly Threshold[];
  readonly slices: readonly Slice[];
  readonly judge?: { readonly model: string; readonly rubric: string; readonly scale: { readonly from: number; readonly to: number } } | undefined;
}

export const suiteMessage = ({ kind, purpose, datasets, metrics, thresholds, slices, judge }: SuiteContent): SuiteContentMessage =>
  create(SuiteContentSchema, {
    kind: kind === 'llm' ? SuiteKind.LLM : SuiteKind.TABULAR,
    purpose,
    datasets: datasets.map((each) => ({ ...each })),
    metrics: [...metrics],
    thresholds: thresholds.map(thresholdMessage),
    slices: slices.map((each) => ({ ...each })),
    ...(judge ? { judge: { model: judge.model, rubric: judge.rubric, scaleFrom: judge.scale.from, scaleTo: judge.scale.to } } : {}),
  });

/** What an event says of a suite, without the wrapping of its message. */
export function suiteContentFrom(message: SuiteContentMessage | undefined): SuiteContent {
  const { kind, purpose, datasets, metrics, thresholds, slices, judge } = message ?? create(SuiteContentSchema);
  return {
    kind: kind === SuiteKind.LLM ? 'llm' : 'tabular',
    purpose,
    datasets: datasets.map(({ datasetVersionId, split }) => ({ datasetVersionId, split })),
    metrics: [...metrics],
    thresholds: thresholds.map(thresholdFrom),
    slices: slices.map(sliceFrom),
    ...(judge ? { judge: { model: judge.model, rubric: judge.rubric, scale: { from: judge.scaleFrom, to: judge.scaleTo } } } : {}),
  };
}

function sliceFrom({ name, column, equals, from, below }: SliceMessage): Slice {
  if (equals !== undefined) return { name, column, equals };
  return { name, column, ...(from === undefined ? {} : { from }), ...(below === undefined ? {} : { below }) };
}

/** Equal content, whatever the order of its keys. */
export const sameSuite = (a: SuiteContent, b: SuiteContent): boolean => JSON.stringify(suiteContentFrom(suiteMessage(a))) === JSON.stringify(suiteContentFrom(suiteMessage(b)));
