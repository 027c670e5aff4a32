import type { Message } from '@bufbuild/protobuf';
import { datasetLineage } from './dataset-lineage.ts';
import { deploymentLineage } from './deployment-lineage.ts';
import { evaluationLineage } from './evaluation-lineage.ts';
import { governanceLineage } from './governance-lineage.ts';
import type { LineageFact } from './lineage-fact.ts';
import { registryLineage } from './registry-lineage.ts';
import { systemLineage } from './system-lineage.ts';
import { toldLineage } from './told-lineage.ts';
import { trackingLineage } from './tracking-lineage.ts';

/** An event's part of the graph; empty for what says nothing of where things come from. A new kind of event is one more case. */
export const lineageOf = (event: Message): readonly LineageFact[] => registryLineage(event) ?? datasetLineage(event) ?? evaluationLineage(event) ?? systemLineage(event) ?? trackingLineage(event) ?? toldLineage(event) ?? governanceLineage(event) ?? deploymentLineage(event) ?? [];
