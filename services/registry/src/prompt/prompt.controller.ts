import { Body, Controller, Delete, Get, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { ForModelVersionReference } from '../model-version/model-version-reference.handler.ts';
import { ForModel } from '../model/model.handler.ts';
import { searchQuery, type SearchQuery } from '../request.ts';
import { flatConfig, NewPrompt, NewPromptVersion, promptName } from './new-prompt.ts';
import type { Json } from '../json.ts';
import { PROMPT_SOURCE, promptNotFound, promptTags, tagsOfContent, type PromptContent } from './prompt.ts';
import { promptDiff, unifiedDiff } from './prompt-diff.ts';
import { Prompts } from './prompts.view.ts';

const version = z.string().regex(/^(?:[1-9]\d{0,8}|latest|@[\w-]{1,255})$/, 'A version is named by its number, latest, or an alias behind an @.');
const alias = z.string().regex(/^[\w-]{1,255}$/, 'An alias is 1 to 255 letters, digits, underscores and hyphens.');
const Target = z.strictObject({ version: z.int32().min(1) });
const versionsQuery = searchQuery.omit({ filter: true });
const diffQuery = z.strictObject({ from: version, to: version, format: z.enum(['json', 'unified']).default('json') });

/** Prompts, versioned. The same ones that MLflow's client registers and loads. */
@ApiTags('prompts')
@Controller('v1/projects/:projectId/prompts')
@Needs('registry.read')
export class PromptController {
  constructor(
    private readonly commands: CommandBus,
    private readonly prompts: Prompts,
  ) {}

  @Post()
  @Needs('component.write')
  async register(@Context() context: CommandContext, @Body({ schema: NewPrompt }) { name, description, tags }: z.infer<typeof NewPrompt>, @Res({ passthrough: true }) res: Response) {
    const modelId = uuidv7();
    const handled = await this.commands.execute(new ForModel(modelId, { type: 'RegisterModel', modelId, name, description, task: '', useCaseId: '', tags: [...promptTags, ...tags] }, context));
    return created(res, handled, `/v1/projects/${context.projectId}/prompts/${name}`, { id: aggregateId(handled.stream), name, description });
  }

  @Get()
  search(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: searchQuery }) query: SearchQuery) {
    return this.prompts.search(project, query);
  }

  @Get(':name')
  async byName(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: promptName }) name: string, @Res({ passthrough: true }) res: Response) {
    const prompt = await this.prompts.named(project, name);
    res.set('ETag', etag(prompt.revision));
    return prompt;
  }

  @Post(':name/versions')
  @Needs('component.write')
  async registerVersion(@Context() context: CommandContext, @Param('name', { schema: promptName }) name: string, @Body({ schema: NewPromptVersion }) body: NewPromptVersion, @Res({ passthrough: true }) res: Response) {
    const { id: modelId } = await this.prompts.named(context.projectId, name);
    const reference = {
      modelVersionId: uuidv7(), modelId, source: PROMPT_SOURCE, location: PROMPT_SOURCE, copiedFromModelVersionId: '', runId: '', runLink: '', loggedModelId: '',
      description: body.commitMessage,
      tags: [...tagsOfContent(contentOf(body)), ...body.tags],
    };
    const handled = await this.commands.execute(new ForModelVersionReference({ is: 'reference', reference }, context));
    const shown = await this.prompts.byId(context.projectId, aggregateId(handled.stream));
    if (!shown) throw promptNotFound(name);
    const { id, version: number, variables, digest } = shown;
    return created(res, handled, `/v1/projects/${context.projectId}/prompts/${name}/versions/${number}`, { id, name, version: number, variables, digest });
  }

  @Get(':name/versions')
  async versions(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: promptName }) name: string, @Query({ schema: versionsQuery }) query: z.infer<typeof versionsQuery>) {
    return this.prompts.versionsOf(project, await this.prompts.named(project, name), query);
  }

  @Get(':name/versions/:version')
  async version(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: promptName }) name: string, @Param('version', { schema: version }) said: string, @Res({ passthrough: true }) res: Response) {
    const shown = await this.prompts.version(project, name, said);
    res.set('ETag', etag(shown.revision));
    return shown;
  }

  /** What changed from one version to another: as JSON by messages, lines and words, or as a unified diff. */
  @Get(':name/diff')
  async diff(@Param('projectId', { schema: projectId }) project: string, @Param('name', { schema: promptName }) name: string, @Query({ schema: diffQuery }) query: z.infer<typeof diffQuery>, @Res({ passthrough: true }) res: Response) {
    const [from, to] = [await this.prompts.version(project, name, query.from), await this.prompts.version(project, name, query.to)];
    if (query.format === 'json') return { name, from: from.version, to: to.version, ...promptDiff(from, to) };
    res.type('text/x-diff; charset=utf-8');
    return unifiedDiff(from, to, { from: `${name}/${from.version}`, to: `${name}/${to.version}` });
  }

  @Put(':name/aliases/:alias')
  @Needs('model.change')
  async assignAlias(@Context() context: CommandContext, @Param('name', { schema: promptName }) name: string, @Param('alias', { schema: alias }) named: string, @Body({ schema: Target }) body: z.infer<typeof Target>, @Res({ passthrough: true }) res: Response) {
    const { id } = await this.prompts.named(context.projectId, name);
    return changed(res, await this.commands.execute(new ForModel(id, { type: 'AssignAlias', alias: named, version: body.version }, context)), { alias: named, version: body.version });
  }

  @Delete(':name/aliases/:alias')
  @Needs('model.change')
  async removeAlias(@Context() context: CommandContext, @Param('name', { schema: promptName }) name: string, @Param('alias', { schema: alias }) named: string, @Res({ passthrough: true }) res: Response) {
    const { id } = await this.prompts.named(context.projectId, name);
    return changed(res, await this.commands.execute(new ForModel(id, { type: 'RemoveAlias', alias: named }, context)), { alias: named });
  }
}

const contentOf = ({ text, messages, modelConfig, responseFormat }: NewPromptVersion): PromptContent => ({
  template: messages ? { type: 'chat', messages } : { type: 'text', text: text ?? '' },
  modelConfig: modelConfig ? flatConfig(modelConfig) : null,
  responseFormat: responseFormat === undefined ? null : (responseFormat as Json),
});
