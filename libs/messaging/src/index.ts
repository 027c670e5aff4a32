export { advanceBookmark, openBookmark } from './bookmark.ts';
export { startConsumer } from './consumer.ts';
export type { Consumer, ConsumerOptions, ConsumerStatus } from './consumer.ts';
export { ensureLedgerStream, ForeignStream, LEDGER_STREAM } from './ledger-stream.ts';
export { publishFrom, LedgerBehindStream } from './publisher.ts';
export { cloudEventAttributes, fromWire, toWire } from './wire.ts';
export { hinting, onAppended } from './hint.ts';
export { messagingMigrations } from './migrations.ts';
