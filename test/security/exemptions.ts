import type { Document } from './documents.ts';

interface Exemption {
  /** A regular expression for "METHOD /path". */
  readonly operation: RegExp;
  /** Absent: the operation is not attacked at all. */
  readonly checks?: readonly string[];
  readonly why: string;
}

/** Where the tool is wrong for us. Each says why. */
export const exemptions: readonly Exemption[] = [
  { operation: /^GET \/.*\/events\/feed$/, why: 'an answer without an end: the tool waits for it' },
  { operation: /^PATCH .*\/artefact-uploads\//, why: 'the tool makes no bodies of the media type of tus; the specs of the registry send them' },
  { operation: /^GET .*\/streams\/\{stream\}\/diff$/, checks: ['negative_data_rejection'], why: 'nothing where a number is expected (?from=) is read as 0' },
];

/** The same for one document, in the words of the tool's configuration. */
export function checksOff({ paths }: Document): string {
  const names = Object.entries(paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`));
  return names
    .flatMap((name) => exemptions.filter(({ operation }) => operation.test(name)).map((exemption) => ({ name, ...exemption })))
    .map(({ name, checks, why }) => ['[[operations]]', `include-name = ${JSON.stringify(name)} # ${why}`, ...(checks ? checks.map((check) => `checks.${check}.enabled = false`) : ['enabled = false'])].join('\n'))
    .join('\n');
}
