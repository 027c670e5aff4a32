import { Option, type Command } from 'commander';
import { DigestMismatch, type Dataset, type DatasetVersion, type ListedDatasetVersion, type NewDatasetVersion } from '@vitae/client';
import { clientOf, inProject, keyValue, repeated, saying, wholeNumber, withReason, type ChangeOptions, type ProjectOptions } from './in-project.ts';
import { listed } from './listed.ts';
import { answer, CannotRun, type Outcome } from './outcome.ts';
import { localFiles, uploadFile } from './register-version.ts';
import { bytes, details, minute, plain, type Column } from './table.ts';
import { paint, stateStyle } from './terminal.ts';

interface ListOptions extends ProjectOptions {
  readonly search?: string;
  readonly owner?: string;
  readonly tag?: string;
  readonly limit: number;
  readonly all?: boolean;
}
interface VersionsOptions extends ProjectOptions {
  readonly state?: 'registered' | 'deprecated' | 'quarantined' | 'erased';
  readonly pii?: PiiClass;
  readonly expired?: boolean;
  readonly limit: number;
  readonly all?: boolean;
}
interface RegisterOptions extends ChangeOptions {
  readonly source: string;
  readonly licence: string;
  readonly mediaType?: NewDatasetVersion['mediaType'];
  readonly label?: string;
  readonly split?: string;
  readonly protected?: readonly string[];
  readonly pii?: readonly (readonly [string, string])[];
  readonly lawfulBasis?: string;
  readonly purpose?: readonly string[];
  readonly residency?: string;
  readonly retentionUntil?: string;
  readonly from?: readonly string[];
}
interface QuarantineOptions extends ChangeOptions {
  readonly lift?: boolean;
}

const PII = ['none', 'personal', 'special'] as const;
type PiiClass = (typeof PII)[number];
const MEDIA_TYPES = { csv: 'text/csv', parquet: 'application/vnd.apache.parquet', jsonl: 'application/jsonl', ndjson: 'application/jsonl' } as const;

/** `vitae datasets …`: the data that models are built on. */
export function registerDatasets(program: Command): void {
  const datasets = program.command('datasets').summary('the data that models are built on').description('Datasets and their versions: schema, quality, sensitivity, and what may be done with them. A version is named by its id or by name/number.');
  const sub = (name: string, summary: string): Command => inProject(datasets.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`));
  const paged = (command: Command): Command => command.option('--limit <n>', 'how many', wholeNumber(1, 200), 50).option('--all', 'every one, however many; with --json a line each, as they come');

  paged(sub('list', 'list the datasets'))
    .option('--search <text>', 'part of a name or a description')
    .option('--owner <owner>', 'only theirs')
    .option('--tag <key=value>', 'only with this tag, or with this key')
    .action((options: ListOptions) => answer(options, () => list(options)));
  paged(sub('versions', 'list versions, of one dataset or of all').argument('[dataset]', 'its name'))
    .addOption(new Option('--state <state>', 'only such').choices(['registered', 'deprecated', 'quarantined', 'erased']))
    .addOption(new Option('--pii <class>', 'only such').choices([...PII]))
    .option('--expired', 'only what was to be kept until a day that is past')
    .action((dataset: string | undefined, options: VersionsOptions) => answer(options, () => versions(dataset, options)));
  sub('show', 'show a dataset, or a version of one').argument('<dataset>', 'a name, name/number, or the id of a version').action((name: string, options: ProjectOptions) => answer(options, () => show(name, options)));
  withReason(sub('register', 'upload a file and register it as the next version of a dataset').argument('<name>', 'of the dataset').argument('<file>', 'CSV, Parquet or JSON lines'))
    .requiredOption('--source <text>', 'where the data come from')
    .requiredOption('--licence <licence>', 'such as "CC BY 4.0"')
    .addOption(new Option('--media-type <type>', 'what the file is, unless its name says it').choices([...new Set(Object.values(MEDIA_TYPES))]))
    .option('--label <column>', 'what is to be predicted')
    .option('--split <column>', 'which names the split of a row')
    .option('--protected <column>', 'by which fairness is measured; may be repeated', repeated)
    .option('--pii <column=class>', `${PII.join(', ')}; may be repeated`, keyValue)
    .option('--lawful-basis <text>', 'of personal data')
    .option('--purpose <purpose>', 'what it may be used for; may be repeated', repeated)
    .option('--residency <place>', 'where the data have to stay')
    .option('--retention-until <day>', 'until when it may be kept, such as 2030-12-31')
    .option('--from <dataset-version>', 'a dataset version that it was made of; may be repeated', repeated)
    .addHelpText('after', '\nExample:\n  $ vitae datasets register applicants ./applicants.csv --source "loan system" --licence internal --label default --split split --pii age=personal')
    .action((name: string, file: string, options: RegisterOptions) => answer(options, () => register(name, file, options)));
  withReason(sub('quarantine', 'let nothing be built on a version, or on what was made of it').argument('<dataset-version>', 'such as applicants/1').argument('<why>', 'what happened'))
    .option('--lift', 'let it be used again')
    .action((version: string, why: string, options: QuarantineOptions) => answer(options, () => quarantine(version, why, options)));
  sub('croissant', 'print a version as Croissant metadata').argument('<dataset-version>', 'such as applicants/1').action((version: string, options: ProjectOptions) => answer(options, () => croissant(version, options)));
}

const DATASETS: readonly Column<Dataset>[] = [
  { head: 'NAME', of: ({ name }) => name, paint: (text) => paint('bold', text) },
  { head: 'NEWEST', of: ({ latestVersion }) => latestVersion || '', right: true },
  { head: 'OWNER', of: ({ owner }) => owner },
  { head: 'UPDATED', of: ({ updatedAt }) => minute(updatedAt), spare: true },
  { head: 'DESCRIPTION', of: ({ description }) => description, spare: true },
];
const VERSIONS: readonly Column<ListedDatasetVersion>[] = [
  { head: 'VERSION', of: ({ datasetName, version }) => `${datasetName}/${version}`, paint: (text) => paint('bold', text) },
  { head: 'STATE', of: ({ state }) => state, paint: (text, { state }) => paint(stateStyle(state), text) },
  { head: 'ROWS', of: ({ rowCount }) => rowCount, right: true },
  { head: 'PII', of: ({ piiClass }) => piiClass },
  { head: 'QUALITY', of: ({ quality }) => quality?.outcome, spare: true },
  { head: 'REGISTERED', of: ({ registeredAt }) => minute(registeredAt), spare: true },
  { head: 'BY', of: ({ registeredBy }) => registeredBy, spare: true },
  { head: 'ID', of: ({ id }) => id, spare: true },
];

function list({ search, owner, tag, ...options }: ListOptions): Promise<Outcome> {
  const { datasets } = clientOf(options);
  const wish = { ...(search === undefined ? {} : { search }), ...(owner === undefined ? {} : { owner }), ...(tag === undefined ? {} : { tag }) };
  return listed(options, DATASETS, { none: `There are no such datasets in project ${options.project}.`, page: (limit) => datasets.page({ ...wish, limit }), all: () => datasets.list({ ...wish, limit: 200 }) });
}

function versions(dataset: string | undefined, { state, pii, expired, ...options }: VersionsOptions): Promise<Outcome> {
  const { datasets } = clientOf(options);
  const wish = { ...(dataset === undefined ? {} : { dataset }), ...(state === undefined ? {} : { state }), ...(pii === undefined ? {} : { piiClass: pii }), ...(expired ? { retention: 'expired' as const } : {}) };
  return listed(options, VERSIONS, { none: 'There are no such versions.', page: (limit) => datasets.versionsPage({ ...wish, limit }), all: () => datasets.versions({ ...wish, limit: 200 }) });
}

async function show(name: string, options: ProjectOptions): Promise<Outcome> {
  const { datasets } = clientOf(options);
  if (/\/\d+$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) return shownVersion(await datasets.version(name));
  const dataset = await datasets.get(name);
  const lines = [
    paint('bold', plain(dataset.name)),
    ...named([
      ['description', dataset.description],
      ['owner', dataset.owner],
      ['tags', Object.entries(dataset.tags).sort().map(([key, value]) => `${key}=${value}`).join('\n')],
      ['versions', dataset.versions],
      ['newest', dataset.latestVersion || undefined],
      ['updated', minute(dataset.updatedAt)],
    ]),
  ];
  return { ok: true, lines, json: { ...dataset } };
}

const named = (pairs: Parameters<typeof details>[0]): string[] => details(pairs, (text) => paint('dim', text));

function shownVersion(version: DatasetVersion): Outcome {
  const column = ({ name, dataType, piiClass, nullCount }: DatasetVersion['columns'][number]): string => `${name} ${dataType}${piiClass === 'none' ? '' : ` ${piiClass}`}${nullCount > 0 ? ` ${nullCount} empty` : ''}`;
  const lines = [
    `${paint('bold', plain(`${version.datasetName}/${version.version}`))}  ${paint(stateStyle(version.state), version.state)}`,
    ...named([
      ['id', version.id],
      ['rows', version.rowCount],
      ['size', bytes(version.sizeBytes)],
      ['media type', version.mediaType],
      ['digest', version.digest],
      ['label', version.labelColumn],
      ['splits', version.splits.map(({ name, rowCount }) => `${name} ${rowCount}`).join('\n')],
      ['columns', version.columns.map(column).join('\n')],
      ['sensitivity', version.piiClass],
      ['suggested', version.piiSuggestions.map(({ column: of, detector, piiClass }) => `${of}: ${piiClass}, says ${detector}`).join('\n')],
      ['lawful basis', version.lawfulBasis],
      ['purposes', version.allowedPurposes.join(', ')],
      ['residency', version.residency],
      ['kept until', version.retentionUntil === '' ? undefined : `${version.retentionUntil}${version.retentionExpired ? ', which is past' : ''}`],
      ['quality', version.quality?.outcome],
      ['blocked by', version.quarantinedSources.map(({ datasetName, version: of }) => `${datasetName}/${of} is in quarantine`).join('\n')],
      ['source', version.source],
      ['licence', version.licence],
      ['registered', `${minute(version.registeredAt)} by ${version.registeredBy}`],
    ]),
  ];
  return { ok: true, lines, json: { ...version } };
}

async function register(name: string, path: string, options: RegisterOptions): Promise<Outcome> {
  const [file] = await localFiles([path]);
  if (!file || file.path.includes('/')) throw new CannotRun(`${path} is a directory: a dataset version is one file.`);
  const mediaType = options.mediaType ?? MEDIA_TYPES[(/\.(\w+)$/.exec(file.path)?.[1]?.toLowerCase() ?? '') as keyof typeof MEDIA_TYPES];
  if (mediaType === undefined) throw new CannotRun(`What is ${file.path}? Say --media-type.`);
  const piiClasses = piiOf(options.pii ?? []);
  const { datasets } = clientOf(options);
  const datasetVersionIds = await Promise.all((options.from ?? []).map((version) => datasets.versionId(version)));
  const digest = await uploadFile(file, options);
  const version = await datasets.register(name, {
    digest,
    mediaType,
    source: options.source,
    licence: options.licence,
    piiClasses,
    ...(options.label === undefined ? {} : { labelColumn: options.label }),
    ...(options.split === undefined ? {} : { splitColumn: options.split }),
    protectedColumns: [...(options.protected ?? [])],
    allowedPurposes: [...(options.purpose ?? [])],
    ...(options.lawfulBasis === undefined ? {} : { lawfulBasis: options.lawfulBasis }),
    ...(options.residency === undefined ? {} : { residency: options.residency }),
    ...(options.retentionUntil === undefined ? {} : { retentionUntil: options.retentionUntil }),
    ...(datasetVersionIds.length === 0 ? {} : { derivedFrom: { datasetVersionIds, uris: [] } }),
  }, saying(options));
  if (version.digest !== digest) throw new DigestMismatch('the registered version', digest, version.digest);
  const { lines, json } = shownVersion(version);
  return { ok: true, lines, json };
}

function piiOf(pairs: readonly (readonly [string, string])[]): Record<string, PiiClass> {
  return Object.fromEntries(
    pairs.map(([column, text]) => {
      const piiClass = PII.find((one) => one === text);
      if (!piiClass) throw new CannotRun(`--pii ${column}=${text}: it is one of ${PII.join(', ')}.`);
      return [column, piiClass];
    }),
  );
}

async function quarantine(version: string, why: string, options: QuarantineOptions): Promise<Outcome> {
  const { datasets } = clientOf(options);
  const done = options.lift ? await datasets.liftQuarantine(version, why, saying(options)) : await datasets.quarantine(version, why, saying(options));
  return { ok: true, lines: [options.lift ? `${plain(version)} may be used again` : `${plain(version)} is in quarantine: nothing is built on it, or on what was made of it`], json: { ...done } };
}

async function croissant(version: string, options: ProjectOptions): Promise<Outcome> {
  const text = await clientOf(options).datasets.croissant(version);
  return { ok: true, lines: [text.trimEnd()], json: { document: JSON.parse(text) as unknown } };
}
