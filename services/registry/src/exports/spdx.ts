import { spdxIdOf } from './licence.ts';
import { addressIn, hex, sliceOf, tensorLine, type Issue, type KnownDataset, type KnownEvaluation, type KnownVersion } from './known-version.ts';

/**
 * An SPDX 3.0.1 document (profiles core, software, simple licensing, AI, dataset) as JSON-LD: the version as an AI package
 * with its files, trained on one dataset package and tested on those of its evaluations.
 */
export function spdx(known: KnownVersion, issue: Issue): object {
  const named = elements(issue);
  const { model, dataset, card } = known;
  const trained = named('dataset_DatasetPackage', dataset.datasetVersionId, dataPackage(dataset, known.projectId, issue, agent(named, dataset.source), agent(named, dataset.registeredBy)));
  const tested = [...new Map(known.evaluations.map(({ dataset: data }) => [data.datasetVersionId, data])).values()].map((data) =>
    data.datasetVersionId === dataset.datasetVersionId ? trained : named('software_Package', data.datasetVersionId, { name: data.datasetName, software_packageVersion: String(data.version), software_primaryPurpose: 'data', verifiedUsing: [sha256(data.digest)] }),
  );
  const files = known.files.map(({ path, digest }) => named('software_File', hex(digest), { name: path, software_primaryPurpose: 'model', verifiedUsing: [sha256(digest)] }));
  const ai = named('ai_AIPackage', known.modelVersionId, {
    name: model.name,
    description: card?.summary || known.description || model.description || undefined,
    software_packageVersion: String(known.version),
    software_primaryPurpose: 'model',
    software_downloadLocation: addressIn(issue, known.projectId, 'model-versions', known.modelVersionId),
    software_sourceInfo: `${known.source.repository} at commit ${known.source.commit}`,
    releaseTime: seconds(known.registeredAt),
    suppliedBy: agent(named, known.registeredBy),
    originatedBy: known.contributors.map((name) => agent(named, name)),
    verifiedUsing: [{ ...sha256(known.artefactDigest), comment: 'OpenSSF Model Signing root digest over the files.' }],
    ai_domain: [model.task],
    ai_typeOfModel: [known.artefactFormat],
    ai_metric: metricsOf(known),
    ai_limitation: card?.limitations || undefined,
    ai_informationAboutApplication: card?.intendedUse || undefined,
    ai_informationAboutTraining: card?.trainingData || `Trained on ${dataset.datasetName} version ${dataset.version}. Inputs: ${known.inputs.map(tensorLine).join('; ')}. Outputs: ${known.outputs.map(tensorLine).join('; ')}.`,
    ai_useSensitivePersonalInformation: dataset.piiClass === 'special' ? 'yes' : 'no',
  });
  relate(named, ai, 'trainedOn', [trained]);
  relate(named, ai, 'testedOn', tested);
  relate(named, ai, 'contains', files);
  license(named, ai, card?.licence ?? '');
  license(named, trained, dataset.licence);
  return { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': [creationInfo(named, issue), ...named.all(), document(named, issue, ai)] };
}

/** The elements of a document, each with an id of its own in it. One that is named again is the same. */
interface Elements {
  (type: string, id: string, properties: Readonly<Record<string, unknown>>): string;
  readonly all: () => readonly object[];
  readonly base: string;
}

function elements({ id: issueId }: Issue): Elements {
  const known = new Map<string, object>();
  const base = `https://vitae.dev/spdx/${issueId}`;
  const named = (type: string, id: string, properties: Readonly<Record<string, unknown>>): string => {
    const spdxId = `${base}#${type}-${encodeURIComponent(id)}`;
    // JSON leaves out what is undefined.
    if (!known.has(spdxId)) known.set(spdxId, { type, spdxId, creationInfo: '_:creation', ...properties });
    return spdxId;
  };
  return Object.assign(named, { all: () => [...known.values()], base });
}

const agent = (named: Elements, name: string): string => named('Agent', name, { name });

const creationInfo = (named: Elements, { at }: Issue) => ({
  type: 'CreationInfo',
  '@id': '_:creation',
  specVersion: '3.0.1',
  created: seconds(at),
  createdBy: [named('SoftwareAgent', 'vitae', { name: 'Vitae registry' })],
});

const document = (named: Elements, { id }: Issue, root: string) => ({
  type: 'SpdxDocument',
  spdxId: named.base,
  creationInfo: '_:creation',
  name: `Bill of materials ${id}`,
  profileConformance: ['core', 'software', 'simpleLicensing', 'ai', 'dataset'],
  rootElement: [root],
  element: named.all().map((each) => (each as { readonly spdxId: string }).spdxId),
});

function relate(named: Elements, from: string, relationshipType: string, to: readonly string[]): void {
  if (to.length > 0) named('Relationship', `${relationshipType}-${from.slice(named.base.length + 1)}`, { from, relationshipType, to: [...new Set(to)] });
}

function license(named: Elements, from: string, licence: string): void {
  if (licence === '') return;
  const id = spdxIdOf(licence);
  const to = id === undefined ? named('simplelicensing_SimpleLicensingText', licence, { simplelicensing_licenseText: licence }) : named('simplelicensing_LicenseExpression', id, { simplelicensing_licenseExpression: id });
  relate(named, from, 'hasDeclaredLicense', [to]);
}

function dataPackage(data: KnownDataset, projectId: string, issue: Issue, originator: string, supplier: string): Readonly<Record<string, unknown>> {
  const kinds = new Set(data.columns.map(({ kind }) => kind));
  return {
    name: data.datasetName,
    software_packageVersion: String(data.version),
    software_primaryPurpose: 'data',
    software_downloadLocation: addressIn(issue, projectId, 'artefacts', data.digest),
    // When it was made is not known: when it was registered it was there.
    builtTime: seconds(data.registeredAt),
    releaseTime: seconds(data.registeredAt),
    originatedBy: [originator],
    suppliedBy: supplier,
    verifiedUsing: [sha256(data.digest)],
    dataset_datasetType: ['structured', ...kinds],
    dataset_datasetSize: data.sizeBytes,
    dataset_hasSensitivePersonalInformation: data.piiClass === 'special' ? 'yes' : 'no',
    dataset_intendedUse: data.allowedPurposes.join(', ') || undefined,
  };
}

const sha256 = (digest: string) => ({ type: 'Hash', algorithm: 'sha256', hashValue: hex(digest) });

function metricsOf({ evaluations, trainingMetrics }: KnownVersion): object[] {
  const measured = evaluations.flatMap((evaluation) => [
    ...evaluation.metrics.map(({ name, value }) => entry(name, value, evaluation)),
    ...evaluation.groups.flatMap((group) => group.metrics.map(({ name, value }) => entry(name, value, evaluation, group))),
  ]);
  return [...measured, ...Object.entries(trainingMetrics).map(([name, value]) => ({ type: 'DictionaryEntry', key: `${name} (training, as reported)`, value: String(value) }))];
}

const entry = (name: string, value: number, evaluation: KnownEvaluation, group?: { readonly attribute: string; readonly group: string }) => ({
  type: 'DictionaryEntry',
  key: `${name} (${sliceOf(evaluation, group)})`,
  value: String(value),
});

/** SPDX's date: whole seconds, in UTC. */
const seconds = (at: string): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
