import type { EvidenceAbout } from '@vitae/transparency';

/** What lies first in the hands of whoever opens a pack. */
export function readmeOf({ origin, evidenceId }: Pick<EvidenceAbout, 'origin' | 'evidenceId'>): string {
  return [
    `To check this pack, get the key of the log ${origin} from somebody whom you trust (not from log.vkey in here) and run, without any network: vitae verify <this file>.vitae-evidence.zip --key <key>`,
    'What is proven are the lines of events.tsv, each by its line of proofs.tsv and the signed checkpoint; report.html is there for reading, and readable.json holds texts that lie sealed in the events: for these two, the service that made the pack answers with its signature.',
    `Every stream in the pack is whole up to the point that manifest.json names, but that no whole stream was left out only the log itself can show; who took this pack is recorded there too, in the stream ledger.Evidence-${evidenceId}.`,
    '',
  ].join('\n\n').trimEnd().concat('\n');
}
