// What other programs may use of the command: the check of a live ledger, which the torture tests run after each blow; the two
// commands about evidence, which the ledger's own specs run against it; and whole command lines, which the registry's do.
export { checkLedger, type LedgerChecked, type Outside } from './fsck/check-ledger.ts';
export { newFaultList, type Fault, type FaultKind } from './fsck/fault.ts';
export { openSnapshot, type Snapshot } from './fsck/snapshot.ts';
export { takeEvidence, type EvidenceOptions } from './evidence.ts';
export { verify, type VerifyOptions } from './verify.ts';
export { ProblemFound, type Outcome } from './outcome.ts';
export { runVitae } from './program.ts';
