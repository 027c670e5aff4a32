import { Inject, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { CONFIG, Problem, type ServiceDefinition } from '@vitae/service-kit';
import type { NextFunction, Request, Response } from 'express';
import { consoleConfig, type ConsoleConfig } from './config.ts';
import { cors } from './edge/cors.ts';
import { HttpServer } from './front-door/http-server.worker.ts';
import { ProxyController } from './front-door/proxy.controller.ts';
import { ServicesClient } from './front-door/services.client.ts';
import { WelcomeController } from './front-door/welcome.controller.ts';
import { AuthController } from './session/auth.controller.ts';
import { ConfigurationController } from './session/configuration.controller.ts';
import { IssuerClient } from './session/issuer.client.ts';
import { SessionMemory } from './session/session-memory.store.ts';
import { SessionSeal } from './session/session-seal.store.ts';
import { Sessions } from './session/sessions.store.ts';

@Module({
  controllers: [WelcomeController, AuthController, ConfigurationController, ProxyController],
  providers: [HttpServer, ServicesClient, IssuerClient, SessionMemory, SessionSeal, Sessions],
})
export class AppModule implements NestModule {
  constructor(
    @Inject(CONFIG) private readonly config: ConsoleConfig,
    private readonly server: HttpServer,
  ) {}

  configure(consumer: MiddlewareConsumer): void {
    const { VITAE_CORS_ORIGINS: origins = [] } = this.config;
    consumer.apply((request: Request, response: Response, next: NextFunction) => {
      if (this.server.origin.startsWith('https:')) response.set('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
      if (request.method === 'TRACE') throw new Problem(405, 'method-not-allowed', 'Method not allowed', 'TRACE is not answered here: it would show credentials.', { headers: { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' } });
      next();
    }).forRoutes('{*path}');
    consumer.apply((_request: Request, response: Response, next: NextFunction) => {
      response.set('Cache-Control', 'no-store');
      next();
    }).forRoutes('/', 'auth/{*path}', 'api/auth/{*path}');
    consumer.apply((request: Request, response: Response, next: NextFunction) => {
      const { headers, preflight } = cors({ method: request.method, origin: request.get('origin'), wishes: request.get('access-control-request-method') }, origins);
      response.set(headers);
      if (preflight === 'refused') throw new Problem(403, 'origin-not-allowed', 'Pages of this origin may not ask here', 'The origin is not among those that VITAE_CORS_ORIGINS names.');
      if (preflight === 'allowed') response.status(204).end();
      else next();
    }).forRoutes('api/{*path}', 'v2', 'v2/{*path}');
  }
}

/** The one front door. It reads no body itself but the logout's form: bytes go through as they come. */
export const console: ServiceDefinition<ConsoleConfig> = { name: 'console', module: AppModule, config: consoleConfig, jsonLimit: false, passesCredentialsOn: true };
