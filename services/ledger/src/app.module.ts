import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { ServiceDefinition } from '@vitae/service-kit';
import { AsyncApiController } from './asyncapi/asyncapi.controller.ts';
import { ledgerConfig } from './config.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { ErasureHandler } from './erasure/erasure.handler.ts';
import { ErasureWorker } from './erasure/erasure.worker.ts';
import { EvidenceController } from './evidence/evidence.controller.ts';
import { EvidenceHandler } from './evidence/evidence.handler.ts';
import { EvidencePacks } from './evidence/evidence-packs.store.ts';
import { Events, InstallationEventsController, ProjectEventsController } from './history/events.controller.ts';
import { HistoryController } from './history/history.controller.ts';
import { LedgerHead } from './history/ledger-head.worker.ts';
import { LedgerPages } from './ledger-pages.store.ts';
import { LogKeyFiles } from './log-key/log-key-files.store.ts';
import { LogKeyController } from './log-key/log-key.controller.ts';
import { LogKeyHandler } from './log-key/log-key.handler.ts';
import { PublisherWorker } from './publishing/publisher.worker.ts';
import { SequencerWorker } from './sequencing/sequencer.worker.ts';
import { ExportWorker } from './transparency/export.worker.ts';
import { IntegratorWorker } from './transparency/integrator.worker.ts';
import { LogFiles } from './transparency/log-files.store.ts';
import { LogState } from './transparency/log-state.store.ts';
import { LogTables } from './transparency/log-tables.store.ts';
import { LogController, LogFilesController } from './transparency/log.controller.ts';
import { SignerWorker } from './transparency/signer.worker.ts';
import { WitnessWorker } from './transparency/witness.worker.ts';
import { DeliveryWorker } from './webhook/delivery.worker.ts';
import { QueueingWorker } from './webhook/queueing.worker.ts';
import { WebhookSecrets } from './webhook/secret.store.ts';
import { WebhookController } from './webhook/webhook.controller.ts';
import { WebhookHandler } from './webhook/webhook.handler.ts';

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [ErasureController, EvidenceController, ProjectEventsController, InstallationEventsController, HistoryController, AsyncApiController, WebhookController, LogFilesController, LogController, LogKeyController],
  providers: [ErasureHandler, EvidenceHandler, EvidencePacks, ErasureWorker, LedgerPages, SequencerWorker, PublisherWorker, LedgerHead, Events, WebhookHandler, WebhookSecrets, DeliveryWorker, QueueingWorker,
    LogTables, IntegratorWorker, LogKeyFiles, LogKeyHandler, SignerWorker, WitnessWorker, LogFiles, LogState, ExportWorker],
})
export class AppModule {}

/** Sequencer, publisher, history and webhooks. The event store's tables are what it works on; its own are those of the webhooks. */
export const ledger: ServiceDefinition = {
  name: 'ledger',
  module: AppModule,
  config: ledgerConfig,
  database: { schema: 'webhooks', migrations: new URL('../migrations/', import.meta.url), entities: [] },
};
