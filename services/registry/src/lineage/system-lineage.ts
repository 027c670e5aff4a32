import type { Message } from '@bufbuild/protobuf';
import type {
  AISystemRegistered,
  AISystemVersionComposed,
  AISystemVersionDeprecated,
  AISystemVersionRetired,
  GuardrailDeprecated,
  GuardrailDrafted,
  GuardrailPublished,
  GuardrailRetired,
  ToolDeprecated,
  ToolDrafted,
  ToolPublished,
  ToolRetired,
} from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';
import { readNode } from './node.ts';

type Told =
  | AISystemRegistered | AISystemVersionComposed | AISystemVersionDeprecated | AISystemVersionRetired
  | GuardrailDrafted | GuardrailPublished | GuardrailDeprecated | GuardrailRetired
  | ToolDrafted | ToolPublished | ToolDeprecated | ToolRetired;

/** What AI systems are made of. */
export function systemLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.AISystemRegistered':
      return [is(node('ai-system', event.aiSystemId), 'registered', event.name), ...fromKnown('use-case', event.useCaseId, node('ai-system', event.aiSystemId), 'made-for')];
    case 'vitae.registry.v1.AISystemVersionComposed': {
      const version = node('ai-system-version', event.aiSystemVersionId);
      return [
        is(version, 'composed', `${event.aiSystemName} version ${event.version}`),
        edge(node('ai-system', event.aiSystemId), version, 'version-of'),
        // A prompt's version is a version of a model.
        ...event.components.flatMap(({ kind, id }) => {
          const part = readNode(`${kind === 'prompt-version' ? 'model-version' : kind}:${id}`);
          return part ? [edge(part, version, 'pins')] : [];
        }),
      ];
    }
    case 'vitae.registry.v1.AISystemVersionDeprecated':
      return [is(node('ai-system-version', event.aiSystemVersionId), 'deprecated')];
    case 'vitae.registry.v1.AISystemVersionRetired':
      return [is(node('ai-system-version', event.aiSystemVersionId), 'retired')];
    case 'vitae.registry.v1.GuardrailDrafted':
      return [is(node('guardrail', event.guardrailId), 'draft', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.GuardrailPublished':
      return [is(node('guardrail', event.guardrailId), 'published', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.GuardrailDeprecated':
      return [is(node('guardrail', event.guardrailId), 'deprecated', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.GuardrailRetired':
      return [is(node('guardrail', event.guardrailId), 'retired', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.ToolDrafted':
      return [is(node('tool', event.toolId), 'draft', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.ToolPublished':
      return [is(node('tool', event.toolId), 'published', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.ToolDeprecated':
      return [is(node('tool', event.toolId), 'deprecated', `${event.name} ${event.revision}`)];
    case 'vitae.registry.v1.ToolRetired':
      return [is(node('tool', event.toolId), 'retired', `${event.name} ${event.revision}`)];
    default:
      return undefined;
  }
}
