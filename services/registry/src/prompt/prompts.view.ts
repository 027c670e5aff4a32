import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { canonicalJson } from '@vitae/contracts';
import type { Page } from '@vitae/service-kit';
import { isPrompt } from '../mlflow/names.ts';
import type { ModelVersionShown } from '../model-version/shown-version.view.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { Models, type ModelShown } from '../model/models.view.ts';
import type { SearchQuery } from '../request.ts';
import { parseFilter, type Fields, type Filter } from '../search/filter.ts';
import { contentOfTags, otherTags, promptNotFound, promptTags, promptVersionNotFound, variablesOf, type PromptContent } from './prompt.ts';

/** A prompt: its versions are asked for by themselves. */
export interface PromptShown extends Pick<ModelShown, 'id' | 'projectId' | 'name' | 'revision' | 'state' | 'description' | 'deprecation' | 'registeredAt' | 'registeredBy' | 'updatedAt' | 'aliases' | 'protectedAliases' | 'tags'> {
  readonly latestVersion: number | null;
}

export interface PromptVersionShown
  extends PromptContent, Pick<ModelVersionShown, 'id' | 'projectId' | 'version' | 'revision' | 'state' | 'deprecation' | 'registeredAt' | 'registeredBy' | 'updatedAt' | 'deletedAt' | 'aliases' | 'tags'> {
  readonly promptId: string;
  readonly name: string;
  readonly commitMessage: string;
  readonly variables: readonly string[];
  /** SHA-256 of what it says, as canonical JSON. */
  readonly digest: string;
}

const FIELDS: Fields = { name: { type: 'text' }, state: { type: 'text' }, alias: { type: 'text', also: ['aliases'] }, registeredBy: { type: 'text', also: ['registered_by', 'user_id'] } };
const [PROMPT_TAG] = promptTags;
const PROMPTS_ONLY: Filter = { is: 'comparison', key: { is: 'tag', key: PROMPT_TAG?.key ?? '' }, operator: '=', values: [PROMPT_TAG?.value ?? ''] };

/** Prompts and their versions, out of the models and model versions that they are kept as. */
@Injectable()
export class Prompts {
  constructor(
    private readonly models: Models,
    private readonly versions: ModelVersions,
  ) {}

  async search(projectId: string, { filter, ...wish }: SearchQuery): Promise<Page<PromptShown>> {
    const said = parseFilter(filter, FIELDS);
    const { items, ...next } = await this.models.matchingWithVersions(projectId, said ? { is: 'all', of: [said, PROMPTS_ONLY] } : PROMPTS_ONLY, wish);
    return { items: items.map(promptOf), ...next };
  }

  /** @throws Refused PROMPT_NOT_FOUND, for a model of that name as well. */
  async named(projectId: string, name: string): Promise<PromptShown> {
    const id = await this.models.idOf(projectId, name);
    const model = id === undefined ? undefined : await this.models.byId(projectId, id);
    if (!model || !isPrompt(model.tags)) throw promptNotFound(name);
    return promptOf(model);
  }

  async versionsOf(projectId: string, { id }: PromptShown, wish: Omit<SearchQuery, 'filter'>): Promise<Page<PromptVersionShown>> {
    const { items, ...next } = await this.versions.matching(projectId, undefined, wish, id);
    return { items: items.flatMap((version) => promptVersionOf(version) ?? []), ...next };
  }

  /** @param said a number, `latest`, or an alias behind an @. */
  async version(projectId: string, name: string, said: string): Promise<PromptVersionShown> {
    const { id, latestVersion } = await this.named(projectId, name);
    const found = said.startsWith('@')
      ? await this.versions.byAlias(projectId, id, said.slice(1))
      : await this.versions.byNumber(projectId, id, said === 'latest' ? (latestVersion ?? 0) : Number(said));
    const version = found && promptVersionOf(found);
    if (!version) throw promptVersionNotFound(name, said);
    return version;
  }

  async byId(projectId: string, id: string): Promise<PromptVersionShown | undefined> {
    const version = await this.versions.byId(projectId, id, 'show');
    return version && promptVersionOf(version);
  }
}

const promptOf = ({ id, projectId, name, revision, state, description, deprecation, registeredAt, registeredBy, updatedAt, aliases, protectedAliases, tags, latestVersions }: ModelShown): PromptShown => ({
  id, projectId, name, revision, state, description, deprecation, registeredAt, registeredBy, updatedAt, aliases, protectedAliases,
  tags: otherTags(tags),
  latestVersion: latestVersions.reduce<number | null>((most, { version }) => Math.max(most ?? 0, version), null),
});

export function promptVersionOf({ id, projectId, modelId, modelName, version, revision, state, deprecation, registeredAt, registeredBy, updatedAt, deletedAt, aliases, tags, description }: ModelVersionShown): PromptVersionShown | undefined {
  const content = contentOfTags(tags);
  return content && {
    id, projectId, promptId: modelId, name: modelName, version, revision, state,
    ...content,
    variables: variablesOf(content),
    digest: promptDigest(content),
    commitMessage: description,
    tags: otherTags(tags), aliases, deprecation, registeredAt, registeredBy, updatedAt, deletedAt,
  };
}

export const promptDigest = (content: PromptContent): string => `sha256:${createHash('sha256').update(canonicalJson(content)).digest('hex')}`;
