import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { eventFromJson, eventToJson, ModelVersionRowsSchema, WindowJudgedSchema, WindowState, type WindowJudged } from '@vitae/contracts';
import { DEFAULT_DRIFT_RULE, emptySummary, fitNumeric, judgeWindow, summarise, type WindowSummary } from '@vitae/statistics';
import { specification } from '@vitae/testing';
import type { Reference } from '../baseline/reference.ts';
import type { FullWindow } from './filling.ts';
import { summaryOf, verdictOf, window, type WindowCommand } from './window.ts';

const id = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const bins = fitNumeric(Array.from({ length: 1_000 }, (_, i) => i));
const reference: Reference = { features: [['amount', bins]], windowRows: 300, rule: DEFAULT_DRIFT_RULE };
const same = summarise(bins, Array.from({ length: 300 }, (_, i) => (i * 10) / 3));
const larger = summarise(bins, Array.from({ length: 300 }, (_, i) => 500 + (i * 5) / 3));

const full = (summary: WindowSummary, more: Partial<FullWindow> = {}): FullWindow => ({
  number: 4,
  rows: 300,
  lost: 0,
  firstAt: '2026-03-01T10:00:00.000Z',
  lastAt: '2026-03-01T11:00:00.000Z',
  versions: [[id(8), 100], [id(9), 200]],
  summaries: [summary],
  ...more,
});
const judgeIt = (counted: FullWindow): WindowCommand => ({
  type: 'JudgeWindow',
  windowId: id(1),
  endpointId: id(2),
  baselineId: id(3),
  modelId: id(4),
  reference,
  window: counted,
  summaryDigest: `sha256:${'b'.repeat(64)}`,
});
const judged = (counted: FullWindow): WindowJudged => window.decide(judgeIt(counted), 'open')[0] as WindowJudged;

describe('a window', () => {
  const given = specification(window);

  it('is judged with all that a reader needs to judge it again', () => {
    const event = judged(full(same));
    expect({ ...event, findings: [] }).toEqual(
      create(WindowJudgedSchema, {
        windowId: id(1),
        endpointId: id(2),
        baselineId: id(3),
        modelId: id(4),
        number: 4n,
        firstAt: timestampFromDate(new Date('2026-03-01T10:00:00Z')),
        lastAt: timestampFromDate(new Date('2026-03-01T11:00:00Z')),
        rowCount: 300n,
        completeness: 1,
        summaryDigest: `sha256:${'b'.repeat(64)}`,
        ruleVersion: 'effect-evidence-persistence/1',
        state: WindowState.HEALTHY,
        findings: [],
        versions: [create(ModelVersionRowsSchema, { modelVersionId: id(9), rows: 200n }), create(ModelVersionRowsSchema, { modelVersionId: id(8), rows: 100n })],
      }),
    );
    expect(event.findings).toMatchObject([{ feature: 'amount', fires: false, rows: 300n }]);
  });

  it('is judged once', () => given([judged(full(same))]).when(judgeIt(full(larger))).then([]));
  it('with other rows than the reference has drifted', () => expect(judged(full(larger))).toMatchObject({ state: WindowState.DRIFTED, findings: [{ feature: 'amount', fires: true }] }));
  it('of which too much is missing is incomplete, and nothing fires', () => {
    expect(judged(full(larger, { lost: 100 }))).toMatchObject({ state: WindowState.INCOMPLETE, completeness: 0.75, findings: [{ fires: false }] });
  });
  it('with too few rows says so', () => expect(judged(full(emptySummary(bins), { rows: 10 })).state).toBe(WindowState.INSUFFICIENT_DATA));

  it('gives its verdict again: from the stored event, and from the summary under its digest', () => {
    const event = judged(full(larger));
    const verdict = judgeWindow({ amount: bins }, { summaries: { amount: larger }, completeness: 1 }, DEFAULT_DRIFT_RULE);
    const again = verdictOf(eventFromJson(event.$typeName, eventToJson(event)) as WindowJudged);
    expect(again).toEqual({ ...verdict, findings: verdict.findings.map((finding) => ({ ...finding, referenceRows: 0, cells: 0 })) });
    expect(summaryOf(id(3), reference, full(larger))).toEqual({ baselineId: id(3), number: 4, rows: 300, lost: 0, features: [{ name: 'amount', ...larger }] });
  });
});
