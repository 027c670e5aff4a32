import { spdxIdOf } from './licence.ts';
import { addressIn, hex, type Issue, type KnownColumn, type KnownDataset } from './known-version.ts';

/** The context that the standard prescribes, with the vocabulary for responsible AI. */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  arrayShape: 'cr:arrayShape',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  containedIn: 'cr:containedIn',
  cr: 'http://mlcommons.org/croissant/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  description: { '@container': '@language' },
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileProperty: 'cr:fileProperty',
  fileObject: 'cr:fileObject',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isArray: 'cr:isArray',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  name: { '@container': '@language' },
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
};

const TYPES: Readonly<Record<string, string>> = {
  BOOLEAN: 'sc:Boolean',
  TINYINT: 'cr:Int8',
  SMALLINT: 'cr:Int16',
  INTEGER: 'cr:Int32',
  BIGINT: 'cr:Int64',
  UTINYINT: 'cr:UInt8',
  USMALLINT: 'cr:UInt16',
  UINTEGER: 'cr:UInt32',
  UBIGINT: 'cr:UInt64',
  FLOAT: 'cr:Float32',
  DOUBLE: 'cr:Float64',
  DATE: 'sc:Date',
  TIME: 'sc:Time',
  TIMESTAMP: 'sc:DateTime',
};

/** A dataset version as Croissant 1.1: the file by its digest, and a field for each column. It holds no value of any row. */
export function croissant(data: KnownDataset, projectId: string, issue: Issue): object {
  const personal = data.columns.filter(({ piiClass }) => piiClass !== 'none').map(({ name, piiClass }) => `${name}: ${piiClass}`);
  const id = spdxIdOf(data.licence);
  return {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.1',
    name: data.datasetName,
    description: `Version ${data.version} of ${data.datasetName}: ${data.rowCount} rows. Source: ${data.source}`,
    version: `${data.version}.0.0`,
    license: id === undefined ? data.licence : `https://spdx.org/licenses/${id}`,
    url: addressIn(issue, projectId, 'dataset-versions', data.datasetVersionId),
    creator: { '@type': 'sc:Organization', name: data.source },
    datePublished: data.registeredAt.slice(0, 10),
    isLiveDataset: false,
    ...(personal.length === 0 ? {} : { 'rai:personalSensitiveInformation': personal }),
    ...(data.allowedPurposes.length === 0 ? {} : { 'rai:dataUseCases': data.allowedPurposes }),
    distribution: [
      {
        '@type': 'cr:FileObject',
        '@id': 'file',
        name: 'file',
        contentUrl: addressIn(issue, projectId, 'artefacts', data.digest),
        contentSize: `${data.sizeBytes} B`,
        encodingFormat: data.mediaType,
        sha256: hex(data.digest),
      },
    ],
    recordSet: [
      ...(data.splits.length === 0 ? [] : [splitsOf(data)]),
      { '@type': 'cr:RecordSet', '@id': 'rows', name: 'rows', field: data.columns.map((column) => fieldOf(column, data)) },
    ],
  };
}

function splitsOf({ splits }: KnownDataset): object {
  return {
    '@type': 'cr:RecordSet',
    '@id': 'splits',
    name: 'splits',
    dataType: 'cr:Split',
    key: { '@id': 'splits/name' },
    field: [{ '@type': 'cr:Field', '@id': 'splits/name', name: 'splits/name', dataType: 'sc:Text' }],
    data: splits.map(({ name }) => ({ 'splits/name': name })),
  };
}

function fieldOf({ name, dataType }: KnownColumn, { splitColumn, labelColumn }: KnownDataset): object {
  return {
    '@type': 'cr:Field',
    '@id': `rows/${encodeURIComponent(name)}`,
    name,
    ...(name === labelColumn ? { description: 'What a model learns to say.' } : {}),
    dataType: typeOf(dataType),
    source: { fileObject: { '@id': 'file' }, extract: { column: name } },
    ...(name === splitColumn ? { references: { field: { '@id': 'splits/name' } } } : {}),
  };
}

function typeOf(dataType: string): string {
  if (dataType.startsWith('DECIMAL')) return 'cr:Float64';
  if (dataType.startsWith('TIMESTAMP')) return 'sc:DateTime';
  return TYPES[dataType] ?? 'sc:Text';
}
