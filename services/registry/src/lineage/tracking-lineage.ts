import type { Message } from '@bufbuild/protobuf';
import type { LoggedModelCreated, LoggedModelDeleted, LoggedModelFinalized, RunDeleted, RunEnded, RunInputsLogged, RunOutputsLogged, RunRenamed, RunRestored, RunResumed, RunStarted } from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';

type Told = LoggedModelCreated | LoggedModelDeleted | LoggedModelFinalized | RunDeleted | RunEnded | RunInputsLogged | RunOutputsLogged | RunRenamed | RunRestored | RunResumed | RunStarted;

/** What MLflow's runs read and made. Their data is in the client's words: a digest of its own kind, which is not ours. */
export function trackingLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.RunStarted':
      return [is(node('run', event.runId), 'running', event.name)];
    case 'vitae.registry.v1.RunRenamed':
      return [{ fact: 'node', node: node('run', event.runId), label: event.name }];
    case 'vitae.registry.v1.RunEnded':
    case 'vitae.registry.v1.RunResumed':
      return [is(node('run', event.runId), event.status.toLowerCase())];
    case 'vitae.registry.v1.RunDeleted':
      return [is(node('run', event.runId), 'deleted')];
    case 'vitae.registry.v1.RunRestored':
      return [{ fact: 'back', node: node('run', event.runId) }];
    case 'vitae.registry.v1.RunInputsLogged':
      return [
        ...event.datasets.map(({ name, digest }) => edge(node('dataset', `mlflow/${name}@${digest}`), node('run', event.runId), 'read')),
        ...event.modelIds.map((id) => edge(node('logged-model', id), node('run', event.runId), 'read')),
      ];
    case 'vitae.registry.v1.RunOutputsLogged':
      return event.models.map(({ modelId }) => edge(node('run', event.runId), node('logged-model', modelId), 'made-by'));
    case 'vitae.registry.v1.LoggedModelCreated':
      return [is(node('logged-model', event.modelId), 'pending', event.name), ...fromKnown('run', event.sourceRunId, node('logged-model', event.modelId), 'made-by')];
    case 'vitae.registry.v1.LoggedModelFinalized':
      return [is(node('logged-model', event.modelId), event.status.replace('LOGGED_MODEL_', '').replaceAll('_', '-').toLowerCase())];
    case 'vitae.registry.v1.LoggedModelDeleted':
      return [is(node('logged-model', event.modelId), 'deleted')];
    default:
      return undefined;
  }
}
