import { baseConfig, port, wholeNumber } from '@vitae/service-kit';
import { z } from 'zod';
import { witnessList } from './transparency/witness-list.ts';

export const ledgerConfig = baseConfig.extend({
  PORT: port(7405),
  /** Longest the sequencer waits when no hint comes, in milliseconds. Hints may be lost; events may not. */
  VITAE_SEQUENCER_POLL_MS: wholeNumber(50, 1, 60_000),
  /** 32 random bytes in base64 that seal the secrets of webhooks, the same for all replicas. Made by itself in local mode. */
  VITAE_WEBHOOK_KEY_FILE: z.string().min(1).optional().describe('a file with 32 random bytes in base64'),
  /** Lets webhooks lead to http:// and private addresses: for development on one machine, and only in local mode. */
  VITAE_WEBHOOK_ALLOW_PRIVATE: z.enum(['true', 'false']).prefault('false').transform((text) => text === 'true').describe('true or false'),
  /** Longest that a receiver may take for one event, in milliseconds. */
  VITAE_WEBHOOK_TIMEOUT_MS: wholeNumber(10_000, 100, 60_000),
  /** Wait after the first failure, in milliseconds; it doubles from try to try. */
  VITAE_WEBHOOK_FIRST_RETRY_MS: wholeNumber(5_000, 10, 60_000),
  /** Private key of the transparency log, a file; further keys lie beside it. Made by itself in local mode. */
  VITAE_LOG_KEY_FILE: z.string().min(1).optional().describe('the file of the private key that signs the log'),
  /** The name of the log, for ever: a schemeless URL prefix. It is the name of its key; without it the ledger's id is part of the name. */
  VITAE_LOG_ORIGIN: z.string().regex(/^[^\s+/][^\s+]*[^\s+/]$/).optional().describe('a name like vitae.example.com/ledger, without spaces and plus signs'),
  /** How often the log is signed while there is something new, in milliseconds. */
  VITAE_CHECKPOINT_MS: wholeNumber(1_000, 10, 600_000),
  /** Who is asked to cosign each checkpoint. */
  VITAE_WITNESSES: witnessList,
  /** How long a checkpoint waits for the cosignatures of all witnesses before it is served without, in milliseconds. */
  VITAE_WITNESS_PATIENCE_MS: wholeNumber(5_000, 0, 600_000),
  /** Where the log is exported to, file by file, while the service runs. */
  VITAE_LOG_EXPORT_DIR: z.string().min(1).optional().describe('a directory that the log is exported to'),
  /** The most events that one evidence pack may hold; a pack is made in memory. */
  VITAE_EVIDENCE_EVENTS: wholeNumber(10_000, 1, 1_000_000),
});
export type LedgerConfig = z.infer<typeof ledgerConfig>;
