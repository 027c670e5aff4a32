import { stringify } from 'yaml';
import { spdxIdOf } from '../exports/licence.ts';
import { sliceOf, type KnownEvaluation, type KnownVersion } from '../exports/known-version.ts';
import { EMPTY, SECTIONS, sections, type CardContent, type Section } from './card-content.ts';
import { readFrontMatter } from './front-matter.ts';
import { cardUnreadable } from './model-card.ts';
import { NewCardContent } from './new-card-content.ts';

// Hugging Face's model card: a README.md whose front matter is for machines.

/** Characters of a card that is read. */
export const MOST_CARD_BYTES = 400_000;

/** Under this heading stands what is shown and never read back. */
const FACTS = 'What the registry knows';

/** The card with what the registry knows by itself. What it measured stands instead of results that an imported card told. */
export function toHuggingFace(known: KnownVersion, content: CardContent): string {
  const told = Object.fromEntries(content.extra.map(({ key, json }) => [key, JSON.parse(json) as unknown]));
  const front = { ...told, ...withoutEmpty(frontMatterOf(known, content)) };
  const texts = sections.filter((section) => content[section] !== '').map((section) => `## ${SECTIONS[section]}\n\n${content[section]}`);
  const body = [`# ${known.model.name} version ${known.version}`, ...texts, `## ${FACTS}\n\n${factsOf(known)}`];
  return `---\n${stringify(front, { lineWidth: 0 })}---\n\n${body.join('\n\n')}\n`;
}

function frontMatterOf(known: KnownVersion, { licence, libraryName, tags, languages, baseModels }: CardContent): Readonly<Record<string, unknown>> {
  const { model, dataset, evaluations } = known;
  const id = spdxIdOf(licence);
  return {
    license: id?.toLowerCase() ?? (licence === '' ? '' : 'other'),
    license_name: id === undefined ? licence : '',
    library_name: libraryName,
    language: languages,
    tags,
    base_model: baseModels,
    datasets: [dataset.datasetName],
    metrics: [...new Set(evaluations.flatMap(({ metrics }) => metrics.map(({ name }) => name)))],
    'model-index': evaluations.length === 0 ? [] : [{ name: model.name, results: evaluations.map((evaluation) => resultOf(evaluation, model.task)) }],
  };
}

const resultOf = ({ dataset, split, metrics, groups }: KnownEvaluation, task: string) => ({
  task: { type: task },
  dataset: { type: dataset.datasetName, name: `${dataset.datasetName} version ${dataset.version}`, ...(split === '' ? {} : { split }), revision: dataset.digest },
  metrics: [
    ...metrics.map(({ name, value }) => ({ type: name, value })),
    ...groups.flatMap((group) => group.metrics.map(({ name, value }) => ({ type: name, value, name: `${name} (${group.attribute} = ${group.group})` }))),
  ],
});

const withoutEmpty = (all: Readonly<Record<string, unknown>>) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '' && !(Array.isArray(value) && value.length === 0)));

function factsOf(known: KnownVersion): string {
  const { dataset, source, evaluations } = known;
  const facts = [
    `- Digest of the artefact (OpenSSF Model Signing): \`${known.artefactDigest}\`${known.signed ? ', signed' : ''}`,
    `- Trained on: ${plain(dataset.datasetName)} version ${dataset.version}, \`${dataset.digest}\`, licence ${plain(dataset.licence)}`,
    `- Code: ${plain(source.repository)} at commit ${source.commit}`,
    `- Built by: ${known.contributors.map(plain).join(', ')}`,
  ].join('\n');
  if (evaluations.length === 0) return facts;
  const rows = evaluations.flatMap((evaluation) => [...evaluation.metrics.map((metric) => row(evaluation, metric)), ...evaluation.groups.flatMap((group) => group.metrics.map((metric) => row(evaluation, metric, group)))]);
  return `${facts}\n\n| measured on | metric | value | 95 % interval |\n|---|---|---|---|\n${rows.join('\n')}`;
}

const row = (evaluation: KnownEvaluation, { name, value, lower, upper }: KnownEvaluation['metrics'][number], group?: KnownEvaluation['groups'][number]): string =>
  `| ${plain(sliceOf(evaluation, group))} | ${plain(name)} | ${value} | ${lower === undefined || upper === undefined ? '' : `${lower} to ${upper}`} |`;

/** Words of others, in one line and without a meaning in Markdown or HTML. */
const plain = (words: string): string => words.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_|<>[\]]/g, '\\$&');

/** @throws Refused CARD_UNREADABLE for what is no such card, is larger than a card may be, or says a known thing in the wrong form. */
export function fromHuggingFace(card: string): CardContent {
  const parts = /^\uFEFF?---[^\S\n]*\r?\n(?:([\s\S]*?)\r?\n)?---[^\S\n]*(?:\r?\n([\s\S]*))?$/.exec(card);
  const [matter = '', body = ''] = parts ? parts.slice(1) : ['', card];
  const found = NewCardContent.safeParse({ ...EMPTY, ...readFrontMatter(matter), ...readSections(body) });
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw cardUnreadable(`${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** Headings that mean one of our sections, as Hugging Face's template and others spell them. */
const HEADINGS: ReadonlyMap<string, Section> = new Map([
  ...sections.map((section) => [SECTIONS[section].toLowerCase(), section] as const),
  ['model description', 'summary'],
  ['direct use', 'intendedUse'],
  ['intended uses', 'intendedUse'],
  ['out-of-scope uses', 'outOfScopeUse'],
  ['bias, risks, and limitations', 'limitations'],
  ['training dataset', 'trainingData'],
  ['evaluation results', 'evaluation'],
] as const);

/** What stands under no heading of ours is notes. The first title is the model's name, which is known. */
function readSections(body: string): Partial<Record<Section, string>> {
  const found = new Map<Section, string[]>();
  let current: { readonly section: Section | undefined; readonly level: number } = { section: 'notes', level: 0 };
  let fence: string | undefined;
  let titled = false;
  for (const line of body.split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence === undefined && mark !== undefined) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence)) fence = undefined;
    const [, hashes = '', title = ''] = (fence === undefined && /^(#{1,3})[ \t]+(.*)$/.exec(line)) || [];
    const level = hashes.length;
    if (level === 1 && !titled) {
      titled = true;
      continue;
    }
    const section = HEADINGS.get(title.trim().toLowerCase());
    if (level > 0 && (section !== undefined || title.trim() === FACTS)) {
      current = { section, level };
      continue;
    }
    if (level > 0 && level <= current.level) current = { section: 'notes', level: 0 };
    if (current.section === undefined) continue;
    const text = found.get(current.section);
    if (text) text.push(line);
    else found.set(current.section, [line]);
  }
  return Object.fromEntries([...found].map(([section, text]) => [section, text.join('\n').trim()]));
}
