import { sliceOf, type KnownVersion } from '../exports/known-version.ts';
import { bytesOf, EMPTY, type CardContent } from './card-content.ts';

/** The first words of a card, out of what the registry knows. What only people can say stays empty. */
export function draftOf(known: KnownVersion): CardContent {
  const { model, dataset, evaluations, trainingMetrics, source, contributors } = known;
  const measured = evaluations.map((evaluation) => `- On ${sliceOf(evaluation)} (${evaluation.rowCount} rows): ${told(evaluation.metrics.filter(({ name }) => !betweenGroups(name)))}.`);
  const reported = Object.entries(trainingMetrics).map(([name, value]) => `${name} ${rounded(value)}`);
  return {
    ...EMPTY,
    summary: lines(known.description, model.description, `Version ${known.version} of ${model.name}, a model for ${model.task}. Built by ${contributors.join(', ')} from ${source.repository} at commit ${source.commit}, for use case ${model.useCaseId}.`),
    trainingData: lines(
      `${dataset.datasetName} version ${dataset.version}: ${dataset.rowCount} rows, ${dataset.columns.length} columns. Source: ${dataset.source}. Licence: ${dataset.licence}.`,
      dataset.splits.length === 0 ? '' : `Splits: ${dataset.splits.map(({ name, rowCount }) => `${name} (${rowCount} rows)`).join(', ')}.`,
      dataset.piiClass === 'none' ? '' : `Columns with ${dataset.piiClass === 'special' ? 'special categories of personal data' : 'personal data'}: ${dataset.columns.filter(({ piiClass }) => piiClass !== 'none').map(({ name }) => name).join(', ')}. Lawful basis: ${dataset.lawfulBasis}.`,
    ),
    evaluation: lines(measured.join('\n'), reported.length === 0 ? '' : `Reported by whoever trained it: ${reported.join(', ')}.`),
    fairness: groupsOf(known),
    libraryName: known.artefactFormat,
    tags: [model.task],
  };
}

/** Of each protected group what the newest evaluation that has it measured. */
function groupsOf({ evaluations }: KnownVersion): string {
  const newest = evaluations.find(({ groups }) => groups.length > 0);
  if (!newest) return '';
  const groups = newest.groups.map(({ attribute, group, rowCount, metrics }) => `- ${attribute} = ${group} (${rowCount} rows): ${told(metrics)}.`);
  const between = newest.metrics.filter(({ name }) => betweenGroups(name));
  return lines(`By group, on ${sliceOf(newest)}:`, groups.join('\n'), between.length === 0 ? '' : `Between groups: ${told(between)}.`);
}

/** Parts that say something, with an empty line between. Whole lines go where there are too many for a section. */
function lines(...parts: readonly string[]): string {
  const all = parts.filter((part) => part !== '').join('\n\n').split('\n');
  let room = bytesOf('summary') - MORE.length - 16;
  const end = all.findIndex((line) => (room -= new TextEncoder().encode(line).length + 1) < 0);
  return end < 0 ? all.join('\n') : [...all.slice(0, end), `${all.length - end}${MORE}`].join('\n');
}

const MORE = ' more lines did not fit.';

/** `<measure>:<column>`. */
const betweenGroups = (name: string): boolean => name.includes(':');

const told = (metrics: readonly { readonly name: string; readonly value: number }[]): string => metrics.map(({ name, value }) => `${name} ${rounded(value)}`).join(', ');

const rounded = (value: number): string => String(Number(value.toPrecision(4)));
