import { Injectable } from '@nestjs/common';
import type { PinnedComponent } from '../ai-system/composition.ts';
import type { GuardrailContent } from '../guardrail/guardrail.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { Models } from '../model/models.view.ts';
import { Prompts } from '../prompt/prompts.view.ts';
import { RevisedThings } from '../revised/revised.view.ts';
import type { ToolContent } from '../tool/tool.ts';
import type { KnownPart } from './cyclonedx-system.ts';

/** What is known of the components of a system, one by one: there are at most as many as an event has subjects. */
@Injectable()
export class SystemParts {
  constructor(
    private readonly models: Models,
    private readonly versions: ModelVersions,
    private readonly prompts: Prompts,
    private readonly things: RevisedThings,
  ) {}

  async of(projectId: string, components: readonly PinnedComponent[]): Promise<readonly KnownPart[]> {
    const parts: KnownPart[] = [];
    for (const component of components) parts.push({ component, ...(await this.#facts(projectId, component)) });
    return parts;
  }

  async #facts(projectId: string, { kind, id, revision }: PinnedComponent): Promise<Omit<KnownPart, 'component'>> {
    switch (kind) {
      case 'model-version': {
        const version = await this.versions.byId(projectId, id, 'show');
        const model = version && (await this.models.byId(projectId, version.modelId, 'show'));
        return version ? { model: { external: version.external ?? null, derivedFrom: version.derivedFrom, task: model?.task ?? '' } } : {};
      }
      case 'prompt-version': {
        const prompt = await this.prompts.byId(projectId, id);
        return prompt ? { prompt: { type: prompt.template.type, variables: prompt.variables, modelConfig: prompt.modelConfig } } : {};
      }
      case 'guardrail': {
        const shown = await this.things.revision<GuardrailContent>('guardrail', projectId, id, revision);
        return shown ? { guardrail: shown.content } : {};
      }
      case 'tool': {
        const shown = await this.things.revision<ToolContent>('tool', projectId, id, revision);
        return shown ? { tool: shown.content } : {};
      }
      default:
        return {};
    }
  }
}
