// A service of one route and one consumer, started as a process by process.int.spec.ts.
import './telemetry.ts';
import { pathToFileURL } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { Controller, Logger, Module, Post } from '@nestjs/common';
import { ModelRegisteredSchema, type ModelRegistered } from '@vitae/contracts';
import { streamName, type Decider, type RecordedEvent } from '@vitae/event-store';
import { v7 as uuid } from 'uuid';
import { baseConfig, Context, Ledger, LedgerConsumer, Needs, run, type CommandContext, type LedgerHandler } from './index.ts';

const decider: Decider<number, { type: 'NameModel'; modelId: string }, ModelRegistered> = {
  category: 'registry.Model',
  initial: 0,
  decide: ({ modelId }) => [create(ModelRegisteredSchema, { modelId, name: 'scoring', task: 'regression', useCaseId: modelId })],
  evolve: (count) => count + 1,
};

@Controller('v1/projects/:projectId/models')
@Needs('model.register')
class ModelController {
  constructor(private readonly ledger: Ledger) {}

  @Post()
  async register(@Context() context: CommandContext) {
    const modelId = uuid();
    const handled = await this.ledger.handle(decider, {
      stream: streamName('registry.Model', modelId),
      command: { type: 'NameModel', modelId },
      context,
      subjects: [`model:${modelId}`],
    });
    new Logger('Spec').log('the command is done');
    await this.ledger.sql.query('select ledger.sequence(100)');
    return { traceparent: handled.events[0]?.traceparent };
  }
}

@LedgerConsumer({ name: 'process-spec.models' })
class Models implements LedgerHandler {
  async handle(event: RecordedEvent): Promise<void> {
    new Logger('Spec').log({ type: event.type, msg: 'the event is consumed' });
  }
}

@Module({ controllers: [ModelController], providers: [Models] })
class ProcessModule {}

await run({
  name: 'process-spec',
  module: ProcessModule,
  config: baseConfig,
  database: { schema: 'process_spec', migrations: pathToFileURL(`${process.env['SPEC_MIGRATIONS']}/`), entities: [] },
});
