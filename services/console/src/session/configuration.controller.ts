import { Controller, Get, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CONFIG, Public } from '@vitae/service-kit';
import type { ConsoleConfig } from '../config.ts';

/** What a program that logs people in has to know. Under /api, too, for that is the address that programs are given. */
@ApiExcludeController()
@Public('where one logs in is asked by who has not logged in')
@Controller()
export class ConfigurationController {
  constructor(@Inject(CONFIG) private readonly config: ConsoleConfig) {}

  @Get(['auth/configuration', 'api/auth/configuration'])
  configuration() {
    const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience, VITAE_CLI_CLIENT_ID: cliClientId } = this.config;
    return { issuer, audience, cliClientId };
  }
}
