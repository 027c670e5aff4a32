export { Keyring, KeyringUnavailable, keyringMigrations } from './keyring.ts';
export type { KeyringOptions, Sealer } from './keyring.ts';
export { ERASED, hideIn, UNREADABLE, WITHHELD } from './reveal.ts';
export { SEAL, sealedTextsIn } from './sealed-text.ts';
export type { SealedText } from './sealed-text.ts';
