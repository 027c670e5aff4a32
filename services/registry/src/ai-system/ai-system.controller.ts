import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, type Page, pageOf, pageQuery, projectId, sqlOf } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { cycloneDxSystem } from '../exports/cyclonedx-system.ts';
import { attach, fileName, issueOf } from '../exports/export.controller.ts';
import { SystemParts } from '../exports/system-parts.view.ts';
import type { Json } from '../json.ts';
import { promptDiff } from '../prompt/prompt-diff.ts';
import { Prompts } from '../prompt/prompts.view.ts';
import { text } from '../request.ts';
import { aiSystemNotFound, aiSystemVersionNotFound, type AISystemVersionChange } from './ai-system.ts';
import { ForAISystem, ForAISystemVersion } from './ai-system.handler.ts';
import { AISystems, type AISystemShown, type AISystemVersionShown } from './ai-systems.view.ts';
import { standingOf } from './components.view.ts';
import { compositionDiff, type ComponentChange } from './composition-diff.ts';
import { warningsOf, type SaidComponent } from './composition.ts';
import { NewAISystem, NewComposition, pinQuestion } from './new-composition.ts';

const uuid = z.uuid();
const versionNumber = z.coerce.number().int().min(1).max(2 ** 31 - 1);
const listQuery = pageQuery.extend({ pins: z.string().max(400).optional().describe('Only systems with a version made of this component, e.g. model-version:<id> or prompt:<name>/<version>.') });
const diffQuery = z.strictObject({ from: versionNumber, to: versionNumber });
const bomQuery = z.strictObject({ format: z.enum(['cyclonedx']), version: z.enum(['1.6', '1.7']).default('1.7') });
const End = z.strictObject({ reason: text(5000).min(1) });

/** AI systems: models, prompts, guardrails, tools and data that work as one, pinned version by version. */
@ApiTags('AI systems')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class AISystemController {
  constructor(
    private readonly commands: CommandBus,
    private readonly systems: AISystems,
    private readonly prompts: Prompts,
    private readonly parts: SystemParts,
    private readonly em: EntityManager,
  ) {}

  @Post('ai-systems')
  @Needs('component.write')
  async register(@Context() context: CommandContext, @Body({ schema: NewAISystem }) body: z.infer<typeof NewAISystem>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForAISystem({ type: 'RegisterAISystem', aiSystemId: uuidv7(), ...body }, context));
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/ai-systems/${id}`, { id, ...body });
  }

  @Get('ai-systems')
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: listQuery }) { pins, ...query }: z.infer<typeof listQuery>): Promise<Page<AISystemShown>> {
    return pageOf(pins === undefined ? await this.systems.page(project, query) : await this.systems.pinning(project, pinQuestion(pins), query), query.limit);
  }

  @Get('ai-systems/:id')
  async byId(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response): Promise<AISystemShown> {
    const shown = await this.#system(project, id);
    res.set('ETag', etag(shown.revision));
    return shown;
  }

  @Post('ai-systems/:id/versions')
  @Needs('component.write')
  async compose(@Context() context: CommandContext, @Param('id', { schema: uuid }) aiSystemId: string, @Body({ schema: NewComposition }) body: NewComposition, @Res({ passthrough: true }) res: Response) {
    const components = await this.#componentsOf(context.projectId, body);
    const { parameters, description, contributors } = body;
    const order = { type: 'ComposeAISystemVersion', aiSystemId, components, parameters: parameters as Json, description, contributors } as const;
    const handled = await this.commands.execute(new ForAISystemVersion(uuidv7(), order, context));
    const shown = await this.#version(context.projectId, aggregateId(handled.stream));
    const { id, version, digest, warnings } = await this.#withWarnings(shown);
    return created(res, handled, `/v1/projects/${context.projectId}/ai-system-versions/${id}`, { id, aiSystemId, version, digest, components: shown.components, warnings });
  }

  @Get('ai-systems/:id/versions')
  async versions(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: pageQuery }) query: z.infer<typeof pageQuery>): Promise<Page<AISystemVersionShown>> {
    await this.#system(project, id);
    return pageOf(await this.systems.versions(project, id, query), query.limit);
  }

  @Get('ai-systems/:id/versions/:version')
  async byNumber(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Param('version', { schema: versionNumber }) version: number, @Res({ passthrough: true }) res: Response) {
    const shown = await this.#numbered(project, id, version);
    res.set('ETag', etag(shown.revision));
    return this.#withWarnings(shown);
  }

  /** What changed from one version to another: component by component, and what a prompt says by lines and words. */
  @Get('ai-systems/:id/diff')
  async diff(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: diffQuery }) query: z.infer<typeof diffQuery>) {
    await this.#system(project, id);
    const [from, to] = [await this.#numbered(project, id, query.from), await this.#numbered(project, id, query.to)];
    const diff = compositionDiff(from, to);
    return { from: from.version, to: to.version, ...diff, components: await Promise.all(diff.components.map((change) => this.#withPrompt(project, change))) };
  }

  @Get('ai-system-versions/:id')
  async versionById(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    const shown = await this.#version(project, id);
    res.set('ETag', etag(shown.revision));
    return this.#withWarnings(shown);
  }

  @Get('ai-system-versions/:id/bom')
  async bom(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Query({ schema: bomQuery }) { version }: z.infer<typeof bomQuery>, @Req() request: Request, @Res({ passthrough: true }) res: Response) {
    const shown = await this.#version(project, id);
    attach(res, `${fileName(shown.aiSystemName, shown.version)}.cdx.json`, `application/vnd.cyclonedx+json; version=${version}`);
    return cycloneDxSystem(shown, await this.parts.of(project, shown.components), version, issueOf(request));
  }

  @Put('ai-system-versions/:id/deprecation')
  @Needs('component.publish')
  deprecate(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: End }) { reason }: z.infer<typeof End>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'DeprecateAISystemVersion', reason }, context, res);
  }

  @Put('ai-system-versions/:id/retirement')
  @Needs('component.publish')
  retire(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: End }) { reason }: z.infer<typeof End>, @Res({ passthrough: true }) res: Response) {
    return this.#change(id, { type: 'RetireAISystemVersion', reason }, context, res);
  }

  async #change(id: string, change: AISystemVersionChange, context: CommandContext, res: Response) {
    const handled = await this.commands.execute(new ForAISystemVersion(id, change, context));
    return changed(res, handled, { id, state: (await this.#version(context.projectId, id)).state });
  }

  async #componentsOf(project: string, { models, prompts, guardrails, tools, indices, evaluationSuites }: NewComposition): Promise<readonly SaidComponent[]> {
    const versions = await Promise.all(prompts.map(({ name, version }) => this.prompts.version(project, name, String(version))));
    return [
      ...models.map(({ modelVersionId: id, role }) => ({ kind: 'model-version' as const, role, id, revision: 0 })),
      ...versions.map(({ id }, place) => ({ kind: 'prompt-version' as const, role: prompts[place]?.role ?? '', id, revision: 0 })),
      ...guardrails.map(({ guardrailId: id, revision }) => ({ kind: 'guardrail' as const, role: '', id, revision })),
      ...tools.map(({ toolId: id, revision }) => ({ kind: 'tool' as const, role: '', id, revision })),
      ...indices.map(({ datasetVersionId: id, role }) => ({ kind: 'dataset-version' as const, role, id, revision: 0 })),
      ...evaluationSuites.map(({ suiteId: id, revision }) => ({ kind: 'evaluation-suite' as const, role: '', id, revision })),
    ];
  }

  async #withWarnings(shown: AISystemVersionShown) {
    return { ...shown, warnings: warningsOf(shown.components, await standingOf(sqlOf(this.em.fork()), shown.projectId, shown.components)) };
  }

  async #withPrompt(project: string, change: ComponentChange) {
    if (change.kind !== 'prompt-version' || !change.from || !change.to) return change;
    const [from, to] = [await this.prompts.byId(project, change.from.id), await this.prompts.byId(project, change.to.id)];
    return from && to ? { ...change, prompt: promptDiff(from, to) } : change;
  }

  async #system(project: string, id: string): Promise<AISystemShown> {
    const shown = await this.systems.byId(project, id);
    if (!shown) throw aiSystemNotFound(id);
    return shown;
  }

  async #version(project: string, id: string): Promise<AISystemVersionShown> {
    const shown = await this.systems.version(project, id);
    if (!shown) throw aiSystemVersionNotFound(id);
    return shown;
  }

  async #numbered(project: string, id: string, version: number): Promise<AISystemVersionShown> {
    const shown = await this.systems.byNumber(project, id, version);
    if (!shown) throw aiSystemVersionNotFound(String(version));
    return shown;
  }
}
