import { All, Controller, Get, Header, Req, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { InProject, Needs, Public, VERSION } from '@vitae/service-kit';
import type { Request } from 'express';
import { at } from './addresses.ts';
import { MlflowError } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';

/** What MLflow's clients and probes ask of the server itself. */
@ApiExcludeController()
@Controller(['', 't/:projectId'])
export class MlflowServerController {
  @Get('health')
  @Public('probes have no credential, and it says nothing but that the server is there')
  @Header('Content-Type', 'text/plain')
  health(): string {
    return 'OK';
  }

  @Get('version')
  @Public('clients ask for it before they know how to log in')
  @Header('Content-Type', 'text/plain')
  version(): string {
    return VERSION;
  }
}

/** Newer clients probe for routes and go on without those that are not there. MUST be the last controller. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller([...at('mlflow'), ...at('mlflow-artifacts')])
@Needs('registry.read')
@InProject(mlflowProject)
export class MlflowUnknownController {
  @All('*path')
  unknown(@Req() { method, path }: Request): never {
    throw new MlflowError('ENDPOINT_NOT_FOUND', `This registry has no ${method} ${path}. It keeps models, versions, prompts, experiments, runs, logged models and webhooks.`);
  }
}
