import { create } from '@bufbuild/protobuf';
import { EvidenceExportedSchema, type EvidenceExported } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/** A pack that was made and is about to leave. */
export interface ExportEvidence {
  readonly type: 'ExportEvidence';
  readonly evidenceId: string;
  readonly recipient: string;
  readonly subjects: readonly string[];
  readonly streams: readonly string[];
  readonly asOfIndex: number;
  readonly checkpointSize: number;
  readonly events: number;
  readonly readableTexts: number;
  /** Hex, of the file. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export type EvidenceRefusal = 'EVIDENCE_EXPORTED_BEFORE';

/** One stream for each export; it has one event. */
export const evidence: Decider<{ readonly exported: boolean }, ExportEvidence, EvidenceExported> = {
  category: 'ledger.Evidence',
  initial: { exported: false },
  decide({ type: _, asOfIndex, checkpointSize, sizeBytes, subjects, streams, ...said }, { exported }) {
    if (exported) throw exportedBefore();
    return [create(EvidenceExportedSchema, { ...said, subjects: [...subjects], streams: [...streams], asOfIndex: BigInt(asOfIndex), checkpointSize: BigInt(checkpointSize), sizeBytes: BigInt(sizeBytes) })];
  },
  evolve: () => ({ exported: true }),
};

/** A pack is made anew each time, and only the one whose hash is in the ledger may leave. */
export const exportedBefore = (): Refused =>
  new Refused('EVIDENCE_EXPORTED_BEFORE', 'Under this Idempotency-Key a pack was exported before; it is not kept. Ask again with a new key, or without one.');
