import { Body, Controller, Delete, Get, Param, Put, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import type { ModelAliasAssigned } from '@vitae/contracts';
import { changed, type CommandContext, Context, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import type { ModelVersionShown } from '../model-version/shown-version.view.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { names } from '../request.ts';
import { aliasNotFound } from './alias.ts';
import { ForModel } from './model.handler.ts';
import { modelDeleted, modelNotFound } from './model.ts';
import { Models } from './models.view.ts';

const alias = z.string().regex(/^[\w-]{1,255}$/, 'An alias is 1 to 255 letters, digits, underscores and hyphens.');
const Target = z.strictObject({ version: z.int32().min(1) });
const Protection = z.strictObject({ allowed: names(64).min(1) });
const id = z.uuid();

/** Names for single versions of a model, such as champion. */
@ApiTags('aliases')
@Controller('v1/projects/:projectId/models/:modelId/aliases/:alias')
@Needs('registry.read')
export class AliasController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
    private readonly versions: ModelVersions,
  ) {}

  @Get()
  async version(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('modelId', { schema: id }) modelId: string,
    @Param('alias', { schema: alias }) named: string,
    @Res({ passthrough: true }) res: Response,
  ): Promise<ModelVersionShown> {
    const model = await this.models.byId(project, modelId, 'show');
    if (!model) throw modelNotFound(modelId);
    if (model.deletedAt !== null) throw modelDeleted(model.name);
    const version = await this.versions.byAlias(project, modelId, named);
    if (!version) throw aliasNotFound(named, model.name);
    res.set('ETag', etag(version.revision));
    return version;
  }

  /** Answers from the event and not from the view: it is what this request did, whatever others do at the same moment. */
  @Put()
  @Needs('model.change')
  async assign(
    @Context() context: CommandContext,
    @Param('modelId', { schema: id }) modelId: string,
    @Param('alias', { schema: alias }) named: string,
    @Body({ schema: Target }) { version }: z.infer<typeof Target>,
    @Res({ passthrough: true }) res: Response,
  ) {
    const handled = await this.commands.execute(new ForModel(modelId, { type: 'AssignAlias', alias: named, version }, context));
    const assigned = handled.events.map(({ event }) => event).find((event): event is ModelAliasAssigned => event.$typeName === 'vitae.registry.v1.ModelAliasAssigned');
    return changed(res, handled, { alias: named, version, previousVersion: assigned ? assigned.previousVersion || null : version });
  }

  @Delete()
  @Needs('model.change')
  async remove(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Param('alias', { schema: alias }) named: string, @Res({ passthrough: true }) res: Response) {
    return changed(res, await this.commands.execute(new ForModel(modelId, { type: 'RemoveAlias', alias: named }, context)), { alias: named });
  }

  @Put('protection')
  @Needs('alias.protect')
  async protect(
    @Context() context: CommandContext,
    @Param('modelId', { schema: id }) modelId: string,
    @Param('alias', { schema: alias }) named: string,
    @Body({ schema: Protection }) { allowed }: z.infer<typeof Protection>,
    @Res({ passthrough: true }) res: Response,
  ) {
    return changed(res, await this.commands.execute(new ForModel(modelId, { type: 'ProtectAlias', alias: named, allowed }, context)), { alias: named, allowed });
  }

  @Delete('protection')
  @Needs('alias.protect')
  async liftProtection(@Context() context: CommandContext, @Param('modelId', { schema: id }) modelId: string, @Param('alias', { schema: alias }) named: string, @Res({ passthrough: true }) res: Response) {
    return changed(res, await this.commands.execute(new ForModel(modelId, { type: 'LiftAliasProtection', alias: named }, context)), { alias: named });
  }
}
