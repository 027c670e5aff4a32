import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { DatasetVersionRegisteredSchema, EvaluationRecordedSchema, ModelRegisteredSchema, ModelVersionRegisteredSchema, OpenLineageDatasetObservedSchema, OpenLineageRunObservedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { OpenLineageDocument } from './document.ts';
import { keptOf } from './kept.ts';
import { openLineage, type ObserveOpenLineage } from './openlineage.ts';
import { namedIn, runEventOf } from './tell.ts';

const runId = '01890000-0000-4000-8000-000000000001';
const base = { producer: 'https://example.org/etl', schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent' };
const document = (more: object): OpenLineageDocument => OpenLineageDocument.parse({ ...base, eventTime: '2026-05-01T10:00:00Z', ...more });
const facet = (said: object) => ({ _producer: 'https://example.org/etl', _schemaURL: 'https://example.org/schema', ...said });

const given = specification(openLineage);
const minute = (n: number): string => `2026-05-01T10:0${n}:00Z`;
const run = (eventType: string, at: number, more: object = {}, circle: readonly string[] = []): ObserveOpenLineage => {
  const kept = keptOf(document({ eventType, eventTime: minute(at), run: { runId }, job: { namespace: 'etl', name: 'clean' }, ...more }));
  return { type: 'ObserveRun', told: { ...kept, inputs: kept.inputs.map((each) => ({ ...each, knownAs: undefined })), outputs: [], dataset: undefined }, circle };
};
const ran = (eventType: string, at: number, state: string, more: object = {}) =>
  create(OpenLineageRunObservedSchema, { runId, eventType, eventTime: timestampFromDate(new Date(minute(at))), producer: base.producer, schemaUrl: base.schemaURL, job: { namespace: 'etl', name: 'clean' }, state, ...more });

describe('A run that a tool tells of', () => {
  it('runs, then ends', () => {
    given([]).when(run('START', 0)).then([ran('START', 0, 'running')]);
    given([ran('START', 0, 'running')]).when(run('COMPLETE', 1)).then([ran('COMPLETE', 1, 'complete')]);
  });
  it('is told once, by type and time', () => given([ran('START', 0, 'running')]).when(run('START', 0)).then([]));
  it('stays ended when an earlier word comes late', () => {
    given([ran('COMPLETE', 5, 'complete')]).when(run('START', 0)).then([ran('START', 0, 'complete')]);
    given([ran('FAIL', 5, 'failed')]).when(run('COMPLETE', 3)).then([ran('COMPLETE', 3, 'failed')]);
    given([ran('FAIL', 5, 'failed')]).when(run('COMPLETE', 7)).then([ran('COMPLETE', 7, 'complete')]);
    given([ran('ABORT', 5, 'aborted'), ran('OTHER', 6, 'aborted')]).when(run('RUNNING', 4)).then([]);
  });
  it('is no news while it runs, unless it reads more', () => {
    given([ran('START', 0, 'running')]).when(run('RUNNING', 1)).then([]);
    const inputs = [{ namespace: 'pg', name: 'loans' }];
    given([ran('START', 0, 'running')]).when(run('RUNNING', 1, { inputs })).then([ran('RUNNING', 1, 'running', { inputs })]);
    given([ran('START', 0, 'running', { inputs })]).when(run('RUNNING', 1, { inputs })).then([]);
  });
  it('closes no circle', () => given([]).when(run('COMPLETE', 0, {}, ['a', 'b'])).thenRefused('LINEAGE_CYCLIC'));
  it('has an end of words', () => {
    const many = Array.from({ length: 1_000 }, (_, n) => create(OpenLineageRunObservedSchema, { ...ran('OTHER', 0, 'running'), eventTime: timestampFromDate(new Date(n)) }));
    given(many).when(run('COMPLETE', 1)).thenRefused('OPENLINEAGE_RUN_TOO_LONG');
  });
});

describe('A dataset that a tool tells of', () => {
  const told = (at: number, more: object = {}): ObserveOpenLineage => {
    const kept = keptOf(document({ eventTime: minute(at), dataset: { namespace: 'lake', name: 'a', ...more } }));
    return { type: 'ObserveDataset', told: { ...kept, inputs: [], outputs: [], dataset: kept.dataset && { ...kept.dataset, knownAs: undefined } }, circle: [] };
  };
  const observed = (at: number) => create(OpenLineageDatasetObservedSchema, { eventTime: timestampFromDate(new Date(minute(at))), producer: base.producer, schemaUrl: base.schemaURL, dataset: { namespace: 'lake', name: 'a' } });
  it('is news when it is another than before', () => {
    given([]).when(told(0)).then([observed(0)]);
    given([observed(0)]).when(told(1)).then([]);
  });
});

describe('What is kept of a document', () => {
  it('is what says something of lineage, within limits, and the names of the rest', () => {
    const kept = keptOf(document({
      run: { runId, facets: { parent: facet({ run: { runId: runId.toUpperCase() }, job: { namespace: 'a', name: 'b' } }), errorMessage: facet({ message: 'Mia did it' }) } },
      job: { namespace: 'etl', name: 'clean', facets: { sourceCodeLocation: facet({ type: 'git', url: 'https://example.org/x', repoUrl: 'https://example.org/x.git', version: 'abc' }) } },
      inputs: [{ namespace: 'pg', name: 'loans', facets: { version: facet({ datasetVersion: '7' }), schema: facet({ fields: [{ name: 'x'.repeat(9_000) }] }) }, inputFacets: { dataQualityMetrics: facet({ rowCount: 3 }) } }],
    }));
    expect(kept).toMatchObject({ run: { eventType: 'OTHER', parentRunId: runId, facets: [{ name: 'parent' }] }, job: { commit: 'https://example.org/x.git@abc' }, leftOut: ['errorMessage', 'schema'] });
    expect(kept.inputs[0]).toMatchObject({ version: '7', facets: [{ name: 'version' }, { name: 'dataQualityMetrics' }] });
  });
  it('stays far below what a message may have', () => {
    const heavy = Array.from({ length: 200 }, (_, n) => ({ namespace: 'pg', name: `t${n}`, facets: { schema: facet({ fields: [{ name: 'x'.repeat(7_500), type: 'INT' }] }) } }));
    expect(JSON.stringify(keptOf(document({ job: { namespace: 'a', name: 'b' }, inputs: heavy }))).length).toBeLessThan(400_000);
  });
});

describe('What others are told', () => {
  const at = { id: runId, projectId: 'bank', recordedAt: '2026-05-01T10:00:00.000000Z' };
  const names = { datasetVersion: { name: 'loans', version: 3 }, modelVersion: { name: 'credit', version: 1 } };
  const events = [
    create(DatasetVersionRegisteredSchema, { datasetVersionId: 'd', datasetName: 'loans', version: 3, source: 'not a URI', rowCount: 10n, sizeBytes: 100n, columns: [{ name: 'amount', dataType: 'BIGINT' }] }),
    create(ModelVersionRegisteredSchema, { modelName: 'credit', version: 1, datasetVersionId: 'd', source: { repository: 'https://example.org/x.git', commit: 'abc' } }),
    create(EvaluationRecordedSchema, { evaluationId: 'e', datasetVersionId: 'd', modelVersionId: 'v' }),
  ];

  it('is what we would take ourselves', () => {
    for (const event of events) expect(OpenLineageDocument.safeParse(runEventOf(event, at, names)).error).toBeUndefined();
  });
  it('names what was read and what was made', () => {
    const sides = events.map((event) => {
      const { inputs, outputs } = runEventOf(event, at, names) as { inputs: { name: string }[]; outputs: { name: string }[] };
      return [inputs.map(({ name }) => name), outputs.map(({ name }) => name)];
    });
    expect(sides).toEqual([[[], ['datasets/loans']], [['datasets/loans'], ['models/credit']], [['models/credit', 'datasets/loans'], ['evaluations/e']]]);
  });
  it('has rows, bytes and columns of data, and no URI that is none', () => {
    expect(runEventOf(events[0]!, at, names)).toMatchObject({ outputs: [{ facets: { schema: { fields: [{ name: 'amount', type: 'BIGINT' }] }, dataSource: { name: 'not a URI' } }, outputFacets: { outputStatistics: { rowCount: 10, size: 100 } } }] });
    expect(JSON.stringify(runEventOf(events[0]!, at, names))).not.toContain('"uri"');
  });
  it('is nothing of anything else', () => {
    const other = create(ModelRegisteredSchema, { modelId: 'm' });
    expect([namedIn(other), runEventOf(other, at, names)]).toEqual([undefined, undefined]);
  });
});
