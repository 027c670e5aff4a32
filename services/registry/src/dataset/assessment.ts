import { create } from '@bufbuild/protobuf';
import { ExpectationResultSchema, ExpectationSeverity, QualityOutcome, type ExpectationResult } from '@vitae/contracts';
import type { Expectation, ExpectationKind, Fault } from './expectation.ts';

/** How the data met one expectation; counts, and never a value of a row. */
export interface Result {
  readonly expectation: string;
  readonly kind: ExpectationKind;
  readonly columns: readonly string[];
  readonly severity: Expectation['severity'];
  readonly met: boolean;
  readonly checkedRows: number;
  readonly failingRows: number;
  readonly observed?: number | undefined;
  readonly fault: Fault | '';
}

export type OnFailure = 'note' | 'quarantine';
export type OutcomeName = 'passed' | 'warned' | 'failed';

/** A whole file held against what is expected of its dataset. */
export interface Assessment {
  readonly assessmentId: string;
  readonly expectationsRevision: number;
  readonly rowCount: number;
  readonly outcome: OutcomeName;
  readonly results: readonly Result[];
  readonly onFailure: OnFailure;
}

/** What the data answered: counts and what was observed, or why they could not be asked. */
export type Answer = { readonly checked: number; readonly failing: number; readonly observed?: number | undefined } | { readonly fault: Fault };

/**
 * @param personal whether any of its columns is about persons: then a quantile or a newest date may be one person's, and is not told.
 */
export function judge(expectation: Expectation, answer: Answer, personal: boolean): Result {
  const { name, kind, columns, severity, tolerance } = expectation;
  const said = { expectation: name, kind, columns, severity };
  if ('fault' in answer) return { ...said, met: false, checkedRows: 0, failingRows: 0, fault: answer.fault };
  const { checked, failing, observed } = answer;
  const counted = { checkedRows: checked, failingRows: failing };
  if (kind === 'row-count-between' || kind === 'mean-between' || kind === 'quantile-between' || kind === 'fresh') {
    if (observed === undefined) return { ...said, ...counted, met: false, fault: kind === 'fresh' && checked > 0 ? 'not-a-time' : 'no-values' };
    const met = kind === 'fresh' ? observed <= expectation.mostDays : observed >= (expectation.minimum ?? -Infinity) && observed <= (expectation.maximum ?? Infinity);
    const tellable = !personal || kind === 'row-count-between' || kind === 'mean-between';
    return { ...said, ...counted, met, fault: '', ...(tellable ? { observed } : {}) };
  }
  return { ...said, ...counted, met: failing <= tolerance * checked, fault: '' };
}

export const outcomeOf = (results: readonly Result[]): OutcomeName => {
  const unmet = results.filter(({ met }) => !met);
  return unmet.length === 0 ? 'passed' : unmet.some(({ severity }) => severity === 'error') ? 'failed' : 'warned';
};

export const OUTCOMES: Readonly<Record<OutcomeName, QualityOutcome>> = { passed: QualityOutcome.PASSED, warned: QualityOutcome.WARNED, failed: QualityOutcome.FAILED };
export const SEVERITIES: Readonly<Record<Expectation['severity'], ExpectationSeverity>> = { warning: ExpectationSeverity.WARNING, error: ExpectationSeverity.ERROR };

export const resultOf = ({ severity, checkedRows, failingRows, columns, ...same }: Result): ExpectationResult =>
  create(ExpectationResultSchema, { ...same, columns: [...columns], severity: SEVERITIES[severity], checkedRows: BigInt(checkedRows), failingRows: BigInt(failingRows) });
