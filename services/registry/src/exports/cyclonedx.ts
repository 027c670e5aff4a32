import { spdxIdOf } from './licence.ts';
import { addressIn, hex, sliceOf, tensorLine, type Issue, type KnownDataset, type KnownEvaluation, type KnownVersion } from './known-version.ts';

export type CycloneDxVersion = '1.6' | '1.7';

/**
 * A CycloneDX ML-BOM: the version is the component that it describes, with its files inside; the data that it was trained
 * and measured on are components of their own. The component's hash is the OpenSSF root digest over its files.
 */
export function cycloneDx(known: KnownVersion, specVersion: CycloneDxVersion, issue: Issue): object {
  const ref = `model-version:${known.modelVersionId}`;
  const dataset = `dataset-version:${known.dataset.datasetVersionId}`;
  return {
    $schema: `http://cyclonedx.org/schema/bom-${specVersion}.schema.json`,
    bomFormat: 'CycloneDX',
    specVersion,
    serialNumber: `urn:uuid:${issue.id}`,
    version: 1,
    metadata: { timestamp: issue.at, tools: { components: [{ type: 'application', name: 'Vitae registry' }] }, component: modelComponent(known, ref, dataset, issue) },
    components: [dataComponent(known.dataset, dataset, known.projectId, issue), ...measuredOn(known).map((data) => ({ type: 'data', 'bom-ref': `dataset-version:${data.datasetVersionId}`, name: data.datasetName, version: String(data.version), hashes: [sha256(data.digest)] }))],
    dependencies: [{ ref, dependsOn: [dataset] }],
  };
}

/** Data of evaluations other than what the version was trained on, each once. */
function measuredOn({ evaluations, dataset }: KnownVersion): readonly KnownEvaluation['dataset'][] {
  return [...new Map(evaluations.map((evaluation) => [evaluation.dataset.datasetVersionId, evaluation.dataset])).values()].filter(({ datasetVersionId }) => datasetVersionId !== dataset.datasetVersionId);
}

export const sha256 = (digest: string) => ({ alg: 'SHA-256', content: hex(digest) });

/** An id of SPDX's list as an expression, for the schema's own list of ids is older. */
export const licences = (licence: string) => {
  if (licence === '') return {};
  const id = spdxIdOf(licence);
  return { licenses: [id === undefined ? { license: { name: licence } } : { expression: id }] };
};

function modelComponent(known: KnownVersion, ref: string, dataset: string, issue: Issue): object {
  const { model, card, projectId, modelVersionId, source } = known;
  const at = (...path: readonly string[]): string => addressIn(issue, projectId, 'model-versions', modelVersionId, ...path);
  return {
    type: 'machine-learning-model',
    'bom-ref': ref,
    name: model.name,
    version: String(known.version),
    description: card?.summary || known.description || model.description,
    authors: known.contributors.map((name) => ({ name })),
    hashes: [sha256(known.artefactDigest)],
    ...licences(card?.licence ?? ''),
    externalReferences: [
      // Else the address is no IRI, and stands among the properties only.
      ...(URL.canParse(source.repository) ? [{ type: 'vcs', url: source.repository, comment: `commit ${source.commit}` }] : []),
      { type: 'documentation', url: at() },
      { type: 'quality-metrics', url: at('evaluations') },
      ...(card ? [{ type: 'model-card', url: at('card.md') }] : []),
      ...(known.signed ? [{ type: 'digital-signature', url: at('signature') }] : []),
    ],
    components: known.files.map((file) => ({
      type: 'file',
      'bom-ref': `${ref}/${file.path}`,
      name: file.path,
      hashes: [sha256(file.digest)],
      externalReferences: [{ type: 'distribution', url: addressIn(issue, projectId, 'artefacts', file.digest) }],
    })),
    modelCard: modelCard(known, dataset),
    properties: Object.entries({ 'vitae:digest': 'OpenSSF Model Signing root digest', 'vitae:format': known.artefactFormat, 'vitae:repository': source.repository, 'vitae:commit': source.commit, 'vitae:useCaseId': model.useCaseId }).map(([name, value]) => ({ name, value })),
  };
}

function modelCard(known: KnownVersion, dataset: string): object {
  const { card, evaluations, trainingMetrics } = known;
  const said = (text: string | undefined) => (text ? [text] : []);
  const considered = [...said(card?.ethicalConsiderations), ...said(card?.fairness)].map((name) => ({ name }));
  return {
    modelParameters: {
      ...(known.dataset.labelColumn === '' ? {} : { approach: { type: 'supervised' } }),
      task: known.model.task,
      datasets: [{ ref: dataset }],
      inputs: known.inputs.map((tensor) => ({ format: tensorLine(tensor) })),
      outputs: known.outputs.map((tensor) => ({ format: tensorLine(tensor) })),
    },
    quantitativeAnalysis: {
      performanceMetrics: [
        ...evaluations.flatMap((evaluation) => [
          ...evaluation.metrics.map((metric) => performance(metric, sliceOf(evaluation))),
          ...evaluation.groups.flatMap((group) => group.metrics.map((metric) => performance(metric, sliceOf(evaluation, group)))),
        ]),
        ...Object.entries(trainingMetrics).map(([name, value]) => performance({ name, value }, 'training, as reported')),
      ],
    },
    ...(card
      ? {
          considerations: {
            users: said(card.users),
            useCases: said(card.intendedUse),
            technicalLimitations: [...said(card.limitations), ...said(card.outOfScopeUse)],
            performanceTradeoffs: said(card.tradeoffs),
            ethicalConsiderations: considered,
          },
        }
      : {}),
  };
}

const performance = ({ name, value, lower, upper }: { readonly name: string; readonly value: number; readonly lower?: number; readonly upper?: number }, slice: string) => ({
  type: name,
  value: String(value),
  slice,
  ...(lower === undefined || upper === undefined ? {} : { confidenceInterval: { lowerBound: String(lower), upperBound: String(upper) } }),
});

function dataComponent(data: KnownDataset, ref: string, projectId: string, issue: Issue): object {
  const sensitive = data.columns.filter(({ piiClass }) => piiClass !== 'none').map(({ name, piiClass }) => `${name}: ${piiClass}`);
  return {
    type: 'data',
    'bom-ref': ref,
    name: data.datasetName,
    version: String(data.version),
    description: data.source,
    hashes: [sha256(data.digest)],
    ...licences(data.licence),
    externalReferences: [{ type: 'distribution', url: addressIn(issue, projectId, 'artefacts', data.digest) }],
    data: [
      {
        type: 'dataset',
        name: data.datasetName,
        contents: { url: addressIn(issue, projectId, 'dataset-versions', data.datasetVersionId) },
        classification: data.piiClass,
        ...(sensitive.length === 0 ? {} : { sensitiveData: sensitive }),
        governance: { custodians: [{ contact: { name: data.registeredBy } }] },
      },
    ],
  };
}
