import { create, type Message } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { AiActClass, eventFromJson, eventToJson, InvalidEvent, KpiSchema, RiskTier, storedJson, UnknownEventType, UseCaseDraftedSchema, WindowJudgedSchema, WindowState } from './index.ts';
import { outcome } from './outcome.fixture.ts';

const id = '0199c2f0-51a3-7bd2-8000-000000000001';
const drafted = create(UseCaseDraftedSchema, {
  useCaseId: id,
  title: 'Decide small loans',
  objective: 'Find "bad" applicants\n',
  kpis: [{ name: 'default rate', unit: '%', baseline: 24.6, target: 1e21 }, { name: 'Größe', baseline: -0.1, target: 5e-324 }],
  owner: 'olivia',
  dataAvailability: '1,000 decided loans',
  purpose: 'credit-scoring',
  riskTier: RiskTier.HIGH,
  aiActClass: AiActClass.HIGH_RISK,
});
const DRAFTED =
  '{"aiActClass":"AI_ACT_CLASS_HIGH_RISK","dataAvailability":"1,000 decided loans","kpis":[{"baseline":24.6,"name":"default rate","target":1e+21,"unit":"%"},' +
  `{"baseline":-0.1,"name":"Größe","target":5e-324}],"objective":"Find \\"bad\\" applicants\\n","owner":"olivia","purpose":"credit-scoring","riskTier":"RISK_TIER_HIGH","title":"Decide small loans","useCaseId":"${id}"}`;

const judged = create(WindowJudgedSchema, {
  windowId: id, endpointId: id, baselineId: id, modelId: id, number: 9_007_199_254_740_993n, rowCount: 0n, completeness: 1,
  firstAt: timestampFromDate(new Date('2026-01-31T10:00:00.120Z')), lastAt: timestampFromDate(new Date('2026-01-31T11:00:00Z')),
  summaryDigest: `sha256:${'0a'.repeat(32)}`, ruleVersion: 'v1', state: WindowState.HEALTHY,
});
const JUDGED =
  `{"baselineId":"${id}","completeness":1,"endpointId":"${id}","firstAt":"2026-01-31T10:00:00.120Z","lastAt":"2026-01-31T11:00:00Z","modelId":"${id}","number":"9007199254740993",` +
  `"ruleVersion":"v1","state":"WINDOW_STATE_HEALTHY","summaryDigest":"sha256:${'0a'.repeat(32)}","windowId":"${id}"}`;

describe('an event as JSON', () => {
  // What is stored is hashed: these bytes may never change, whatever is changed or upgraded.
  it.each<[string, Message, string]>([
    ['texts, numbers, a list and enums', drafted, DRAFTED],
    ['64-bit integers and times', judged, JUDGED],
  ])('given an event with %s, then these are its bytes, and they are read as the same event', (_, event, json) => {
    expect(eventToJson(event)).toBe(json);
    expect(storedJson(event)).toBe(json);
    expect(eventToJson(eventFromJson(event.$typeName, json))).toBe(json);
  });

  it('given an event that breaks its contract, then each violation is named, and nothing is written', () => {
    const wrong = create(UseCaseDraftedSchema, { ...drafted, useCaseId: 'u-1', title: '', kpis: [create(KpiSchema, { name: 'rate', baseline: NaN })], riskTier: 99 as RiskTier });
    expect(() => eventToJson(wrong)).toThrow(
      new InvalidEvent(wrong.$typeName, [
        { field: 'useCaseId', message: 'must be a valid UUID' },
        { field: 'title', message: 'must be at least 1 characters' },
        { field: 'kpis.0.baseline', message: 'must be finite' },
        { field: 'riskTier', message: 'value must be one of the defined enum values' },
      ]),
    );
  });

  it('given half a surrogate pair, then it is refused', () => {
    expect(() => eventToJson({ ...drafted, title: 'half \ud83d' } as Message)).toThrow('Lone surrogate is not allowed');
  });

  it('given an unknown type, then it is neither written nor read', () => {
    expect(() => eventToJson({ $typeName: 'vitae.registry.v1.ModelSold' })).toThrow(UnknownEventType);
    expect(() => eventFromJson('vitae.registry.v1.ModelSold', '{}')).toThrow(UnknownEventType);
  });

  it('given a field of a newer build, then it is passed over, and a wrong value is not', () => {
    expect(eventFromJson(drafted.$typeName, DRAFTED.replace('{', '{"addedLater":{"a":1},'))).toStrictEqual(eventFromJson(drafted.$typeName, DRAFTED));
    expect(outcome(() => eventFromJson(drafted.$typeName, '{"title":7}'))).toEqual({
      refusal: 'Error: cannot decode field vitae.governance.v1.UseCaseDrafted.title from JSON: expected string, got 7',
    });
  });
});
