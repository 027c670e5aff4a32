import { Refused } from '@vitae/event-store';

/** What really was the case, for the rows of one request. */
export interface RequestLabels {
  readonly requestId: string;
  /** One for each row, in the rows' order. */
  readonly labels: readonly (0 | 1)[];
}

export type LabelRefusal = 'GROUND_TRUTH_REPEATED' | 'GROUND_TRUTH_DIFFERS' | 'GROUND_TRUTH_MISFIT';

const refuse = (reason: LabelRefusal, message: string, status: 409 | 422): never => {
  throw new Refused(reason, message, status);
};

/**
 * Which labels are new. Sending the same ones again is harmless.
 *
 * @param known the labels that were given before, by request id.
 * @throws Refused GROUND_TRUTH_REPEATED when the batch names a request twice, GROUND_TRUTH_DIFFERS when it contradicts what is known:
 *   verdicts rest on the first labels, and cannot be taken back.
 */
export function newLabels(batch: readonly RequestLabels[], known: ReadonlyMap<string, readonly number[]>): readonly RequestLabels[] {
  const seen = new Set<string>();
  for (const { requestId } of batch) {
    if (seen.has(requestId)) refuse('GROUND_TRUTH_REPEATED', `Request ${requestId} is named twice in this batch. Send the labels of each request once.`, 422);
    seen.add(requestId);
  }
  return batch.filter(({ requestId, labels }) => {
    const before = known.get(requestId);
    if (before === undefined) return true;
    if (before.length !== labels.length || before.some((label, row) => label !== labels[row])) {
      refuse('GROUND_TRUTH_DIFFERS', `Request ${requestId} has other labels already: ${before.slice(0, 20).join(', ')}. They were counted and cannot be changed; leave this request out.`, 409);
    }
    return false;
  });
}

/**
 * Compares what was predicted with what was the case.
 *
 * @returns undefined when they cannot be compared: a model without the output `label`, or another number of rows.
 */
export function compare(predictions: readonly unknown[] | undefined, labels: readonly number[]): { rows: number; errors: number } | undefined {
  if (predictions?.length !== labels.length) return undefined;
  return { rows: labels.length, errors: predictions.filter((prediction, row) => Number(prediction) !== labels[row]).length };
}

/** @throws Refused GROUND_TRUTH_MISFIT when a request whose predictions are known had another number of rows. */
export function mustFit({ requestId, labels }: RequestLabels, predictions: readonly unknown[] | undefined): void {
  if (predictions === undefined || predictions.length === labels.length) return;
  refuse('GROUND_TRUTH_MISFIT', `Request ${requestId} had ${predictions.length} rows and came with ${labels.length} labels. Send one label for each row, in the rows' order.`, 422);
}
