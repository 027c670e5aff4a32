// What other programs may use of the command: the check of a live ledger, which the torture tests run after each blow.
export { checkLedger, type LedgerChecked, type Outside } from './fsck/check-ledger.ts';
export { newFaultList, type Fault, type FaultKind } from './fsck/fault.ts';
export { openSnapshot, type Snapshot } from './fsck/snapshot.ts';
