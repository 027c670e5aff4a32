import 'reflect-metadata';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { Keyring } from '@vitae/keyring';
import { routesOf, type ServiceRoute } from './access/routes.ts';
import { VERSION } from './boot.ts';
import type { Broker } from './broker.ts';
import type { BaseConfig } from './config.ts';
import type { ServiceDefinition } from './definition.ts';
import { KitModule } from './kit.module.ts';
import { logging } from './log.ts';
import { documentOf } from './openapi.ts';

/**
 * What a service answers at /openapi.json, without starting it: no database, no broker, no port. Nest only looks at its
 * modules (preview) and makes nothing of them, so what boot would have opened is never touched, and need not be there.
 */
export async function describeApi<C extends BaseConfig>(definition: ServiceDefinition<C>): Promise<OpenAPIObject> {
  return documentOf(await preview(definition), definition as ServiceDefinition, VERSION);
}

/** Its routes and who may call them, likewise. */
export async function describeRoutes<C extends BaseConfig>(definition: ServiceDefinition<C>): Promise<readonly ServiceRoute[]> {
  return routesOf(await preview(definition));
}

function preview<C extends BaseConfig>(definition: ServiceDefinition<C>): Promise<INestApplication> {
  const nothing = { em: {} } as unknown;
  const config = { LOG_LEVEL: 'silent' } as BaseConfig;
  const opened = { orm: nothing as MikroORM, broker: nothing as Broker, keyring: nothing as Keyring, logging: logging(definition.name, config) };
  return NestFactory.create(KitModule.around(definition as ServiceDefinition, config, opened), { preview: true, logger: false, abortOnError: false });
}
