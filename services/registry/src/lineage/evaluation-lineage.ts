import type { Message } from '@bufbuild/protobuf';
import type { EvaluationInvalidated, EvaluationRecorded, EvaluationReported, EvaluationSuiteDrafted, EvaluationSuitePublished, EvaluationSuiteRevised, VersionsCompared } from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';

type Told = EvaluationInvalidated | EvaluationRecorded | EvaluationReported | EvaluationSuiteDrafted | EvaluationSuitePublished | EvaluationSuiteRevised | VersionsCompared;

const onRows = (split: string): string => (split === '' ? 'all rows' : split);
/** What leads to an evaluation, and ends when it is no evidence any more. */
const EVIDENCE = ['measures', 'measured-on', 'compares-with', 'made-by'];

/** What was measured of which versions, on which data. */
export function evaluationLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.EvaluationRecorded': {
      const measured = node('evaluation', event.evaluationId);
      return [
        is(measured, 'recorded', `evaluation of version ${event.version} on ${onRows(event.split)}`),
        edge(node('model-version', event.modelVersionId), measured, 'measures'),
        edge(node('dataset-version', event.datasetVersionId), measured, 'measured-on'),
        ...(event.comparison ? [edge(node('model-version', event.comparison.modelVersionId), measured, 'compares-with')] : []),
        ...fromKnown('evaluation-suite', event.suite?.suiteId ?? '', measured, 'made-by'),
      ];
    }
    case 'vitae.registry.v1.EvaluationReported': {
      const measured = node('evaluation', event.evaluationId);
      return [
        is(measured, 'reported', `reported evaluation of version ${event.version} on ${onRows(event.split)}`),
        edge(node('model-version', event.modelVersionId), measured, 'measures'),
        ...fromKnown('dataset-version', event.datasetVersionId, measured, 'measured-on'),
        ...fromKnown('dataset', event.externalDataset?.uri ?? '', measured, 'measured-on'),
        ...fromKnown('evaluation-suite', event.suite?.suiteId ?? '', measured, 'made-by'),
      ];
    }
    case 'vitae.registry.v1.EvaluationInvalidated': {
      const measured = node('evaluation', event.evaluationId);
      return [is(measured, 'invalidated'), ...EVIDENCE.map((relation): LineageFact => ({ fact: 'only-edges', from: [], to: measured, relation }))];
    }
    case 'vitae.registry.v1.VersionsCompared': {
      const compared = node('comparison', event.comparisonId);
      return [
        is(compared, 'recorded', `versions ${event.versions.map(({ version }) => version).join(', ')} on ${onRows(event.split)}`),
        ...event.versions.map(({ modelVersionId }) => edge(node('model-version', modelVersionId), compared, 'compares')),
        edge(node('dataset-version', event.datasetVersionId), compared, 'measured-on'),
      ];
    }
    case 'vitae.registry.v1.EvaluationSuiteDrafted':
    case 'vitae.registry.v1.EvaluationSuiteRevised':
      return [is(node('evaluation-suite', event.suiteId), 'draft', `${event.name} ${event.number}`)];
    case 'vitae.registry.v1.EvaluationSuitePublished': {
      const suite = node('evaluation-suite', event.suiteId);
      const data = [...new Set((event.content?.datasets ?? []).map(({ datasetVersionId }) => datasetVersionId))].map((id) => node('dataset-version', id));
      return [is(suite, 'published', `${event.name} ${event.number}`), { fact: 'only-edges', from: data, to: suite, relation: 'asks-for' }];
    }
    default:
      return undefined;
  }
}
