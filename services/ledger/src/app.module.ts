import { Module } from '@nestjs/common';
import { ledgerMigrations } from '@vitae/event-store';
import type { ServiceDefinition } from '@vitae/service-kit';
import { ledgerConfig } from './config.ts';
import { HistoryController } from './history/history.controller.ts';
import { PublisherWorker } from './publishing/publisher.worker.ts';
import { SequencerWorker } from './sequencing/sequencer.worker.ts';

@Module({ controllers: [HistoryController], providers: [SequencerWorker, PublisherWorker] })
export class AppModule {}

/** Sequencer, publisher and history. It has no tables of its own: the event store's are what it works on. */
export const ledger: ServiceDefinition = {
  name: 'ledger',
  module: AppModule,
  config: ledgerConfig,
  database: { schema: ledgerMigrations.schema, migrations: ledgerMigrations.directory, entities: [] },
};
