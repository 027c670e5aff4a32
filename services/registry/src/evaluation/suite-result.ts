import { create } from '@bufbuild/protobuf';
import { SuiteResultSchema, SuiteVerdict, ThresholdOp, ThresholdOutcome, ThresholdSeverity, type SuiteResult } from '@vitae/contracts';
import type { JudgedThreshold, Judgement, Threshold, Verdict } from './threshold.ts';

/** What the published revision of a suite says of an evaluation. */
export interface JudgedBySuite extends Judgement {
  readonly suiteId: string;
  readonly name: string;
  readonly number: number;
}

const OPS = { 'at-least': ThresholdOp.AT_LEAST, 'at-most': ThresholdOp.AT_MOST } as const;
const SEVERITIES = { error: ThresholdSeverity.ERROR, warning: ThresholdSeverity.WARNING } as const;
const OUTCOMES = { passed: ThresholdOutcome.PASSED, failed: ThresholdOutcome.FAILED, 'not-measured': ThresholdOutcome.NOT_MEASURED } as const;
const VERDICTS = { passed: SuiteVerdict.PASSED, failed: SuiteVerdict.FAILED, inconclusive: SuiteVerdict.INCONCLUSIVE } as const;

/** The name under which a number of an enum goes; the first for one that this build does not know. */
const nameOf = <Name extends string>(names: Readonly<Record<Name, number>>, number: number, otherwise: Name): Name =>
  (Object.keys(names) as Name[]).find((name) => names[name] === number) ?? otherwise;

export const thresholdMessage = ({ op, severity, ...same }: Threshold) => ({ ...same, op: OPS[op], severity: SEVERITIES[severity] });

export function thresholdFrom({ metric, op, value, slice, severity }: { metric: string; op: ThresholdOp; value: number; slice: string; severity: ThresholdSeverity }): Threshold {
  return { metric, op: nameOf(OPS, op, 'at-least'), value, slice, severity: nameOf(SEVERITIES, severity, 'error') };
}

export function suiteResultOf({ thresholds, verdict, missingMetrics, ...suite }: JudgedBySuite): SuiteResult {
  return create(SuiteResultSchema, {
    ...suite,
    missingMetrics: [...missingMetrics],
    verdict: VERDICTS[verdict],
    thresholds: thresholds.map(({ threshold, outcome, measured, close }) => ({ threshold: thresholdMessage(threshold), outcome: OUTCOMES[outcome], ...(measured ? { measured } : {}), close })),
  });
}

/** As the API tells it. A verdict or outcome that this build does not know is none that anybody may rest on. */
export function suiteResultFrom({ suiteId, name, number, thresholds, verdict, missingMetrics }: SuiteResult): JudgedBySuite {
  return {
    suiteId,
    name,
    number,
    verdict: nameOf<Verdict>(VERDICTS, verdict, 'inconclusive'),
    missingMetrics,
    thresholds: thresholds.flatMap(({ threshold, outcome, measured, close }): JudgedThreshold[] =>
      threshold ? [{ threshold: thresholdFrom(threshold), outcome: nameOf(OUTCOMES, outcome, 'not-measured'), ...(measured ? { measured: plain(measured) } : {}), close }] : [],
    ),
  };
}

/** A metric without the wrapping of its message. */
export const plain = ({ name, value, lower, upper }: { name: string; value: number; lower?: number; upper?: number }) => ({
  name,
  value,
  ...(lower === undefined ? {} : { lower }),
  ...(upper === undefined ? {} : { upper }),
});
