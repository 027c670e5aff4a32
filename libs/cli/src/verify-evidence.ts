import { readFile, stat } from 'node:fs/promises';
import { checkEvidence, openCheckpoint, type EvidenceReport, type LogProblem } from '@vitae/transparency';
import { CannotRun, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { keysOf, knownNote, openedOrRefused, readPolicy, type TrustOptions } from './trust-options.ts';

export interface VerifyEvidenceOptions extends TrustOptions {
  readonly json?: boolean;
  readonly policy?: string;
}

/** A pack is read whole. Ours hold some ten megabytes; what is larger is not looked into. */
const MOST_BYTES = 1024 * 1024 * 1024;

/**
 * Checks an evidence pack (.vitae-evidence.zip), without network and with nothing but the file and what the caller trusts.
 * @throws CannotRun when file or key are not there, or `--known` cannot be compared with this pack.
 */
export async function verifyEvidence(path: string, options: VerifyEvidenceOptions): Promise<Outcome> {
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const keys = [...(policy?.logs ?? []), ...(policy && !options.key ? [] : await keysOf(options))];
  const kept = await knownNote(options);
  const known = kept === undefined ? undefined : openedOrRefused('the known checkpoint', () => openCheckpoint(kept, { origin: options.origin, keys }));
  const { size } = await stat(path);
  if (size > MOST_BYTES) throw new CannotRun(`${path} has ${size} bytes; an evidence pack has at most ${MOST_BYTES}.`);

  const progress = newProgress('verifying', options);
  try {
    const report = checkEvidence(await readFile(path), { origin: options.origin, keys, known, policy }, progress.update);
    progress.stop();
    return outcome(report, known?.size);
  } finally {
    progress.stop();
  }
}

function outcome(report: EvidenceReport, known: number | undefined): Outcome {
  const { manifest, origin, size, root, events, withheld, keys, firstProblem, problems, problemCount } = report;
  if (problemCount === 0 && report.known === 'apart') {
    throw new CannotRun(`the known checkpoint is over ${known} events and the pack's over ${size}, and the pack has no proof between the two. Take the pack anew with \`vitae evidence --known\`, or verify without --known.`);
  }
  const json = {
    kind: 'evidence', origin, size, root: root.toString('base64'), events, withheld, keys, known: report.known === 'compared' ? (known ?? null) : null,
    manifest: manifest ?? null, firstProblem: firstProblem ?? null, problems, problemCount,
  };
  if (problemCount > 0 || !manifest) {
    const lines = [
      ...(firstProblem ? [`First problem: ${place(firstProblem)}${firstProblem.what}`] : []),
      ...problems.filter((problem) => problem !== firstProblem).map((problem) => `${problem.where}: ${place(problem)}${problem.what}`),
      ...(problemCount > problems.length ? [`... and ${problemCount - problems.length} more`] : []),
      'This pack is not evidence of what it says.',
    ];
    return { ok: false, lines, json };
  }
  return { ok: true, lines: said(report, manifest, known), json };
}

function said({ origin, size, root, events, withheld, keys }: EvidenceReport, manifest: NonNullable<EvidenceReport['manifest']>, known: number | undefined): string[] {
  const { about, asOf, made, streams, leftOut, projectId, counts } = manifest;
  return [
    `Evidence about ${[...about.subjects, ...about.streams].join(', ')} in project ${projectId}, as of index ${asOf.index}${asOf.time === undefined ? '' : ` (${asOf.time})`}:`,
    `  ${counted(events, 'event')} of ${counted(streams.length, 'stream')} as signed; each stream from its first event on, without a hole.`,
    ...(withheld > 0 ? [`  Of ${withheld} of them only the entry is in the pack: they are there, and what they say is withheld.`] : []),
    ...leftOut.map(({ what, count }) => `  Left out, by its own word: ${count} ${what}.`),
    `Signed over ${counted(size, 'event')} of ${origin} by ${keys.join(', ')}; root ${root.toString('base64')}.`,
    ...(known === undefined ? [] : [`It is of the same history as the known checkpoint over ${counted(known, 'event')}.`]),
    `Made ${made.at} by ${made.by}${made.for === '' ? '' : ` for ${made.for}`}: ${made.reason}`,
    `report.html${counts.readableTexts > 0 ? ` and the ${counts.readableTexts} opened texts in readable.json are` : ' is'} for reading: signed by who made the pack, not proven by the log. That no whole stream was left out only the log can show.`,
  ];
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function place({ index, eventId }: LogProblem): string {
  if (index === undefined) return '';
  return eventId === undefined ? `index ${index}: ` : `index ${index} (event ${eventId}): `;
}
