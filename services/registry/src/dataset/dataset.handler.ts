import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { v5 } from 'uuid';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { faultyPatterns } from '../dataset-version/dataset-file.store.ts';
import { dataset, expectationInvalid, type DatasetCommand, type DatasetEvent } from './dataset.ts';
import { projectDataset } from './datasets.view.ts';

const NAMESPACE = '0199a000-7654-7000-8000-766974616522';
/** Whoever says something of a dataset first makes its stream; two at once meet in it. MUST NOT change: stored streams carry such ids. */
const datasetIdOf = (projectId: string, name: string): string => v5(`${projectId}/${name}`, NAMESPACE);

type WithoutIds<C> = C extends DatasetCommand ? Omit<C, 'datasetId' | 'datasetName'> : never;
export type DatasetOrder = WithoutIds<DatasetCommand>;

export class ForDataset extends Command<Handled<DatasetEvent>> {
  constructor(
    readonly datasetName: string,
    readonly order: DatasetOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForDataset)
export class DatasetHandler implements ICommandHandler<ForDataset> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
  ) {}

  async execute({ datasetName, order, context }: ForDataset): Promise<Handled<DatasetEvent>> {
    if (order.type === 'StateExpectations') {
      const [fault] = await faultyPatterns(order.expectations, this.artefacts.scratch);
      if (fault) throw expectationInvalid(...fault);
    }
    const datasetId = datasetIdOf(context.projectId, datasetName);
    const command = { ...order, datasetId, datasetName } as DatasetCommand; // the compiler does not follow a union through Omit
    return this.ledger.handle(
      dataset,
      { stream: streamName(dataset.category, datasetId), command, context: because(context, `${DOES[order.type]} the dataset ${datasetName}.`), subjects: [`dataset:${datasetId}`] },
      projectDataset,
    );
  }
}

const DOES: Readonly<Record<DatasetOrder['type'], string>> = {
  DescribeDataset: 'Describes',
  TagDataset: 'Tags',
  RemoveDatasetTag: 'Removes a tag from',
  StateExpectations: 'States what is expected of',
};
