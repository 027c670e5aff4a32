import { Module } from '@nestjs/common';
import type { ServiceDefinition } from '@vitae/service-kit';
import { consoleConfig } from './config.ts';
import { ProxyController } from './front-door/proxy.controller.ts';
import { ServicesClient } from './front-door/services.client.ts';

@Module({ controllers: [ProxyController], providers: [ServicesClient] })
export class AppModule {}

/** The one front door. It reads no body itself: bytes go through as they come. */
export const console: ServiceDefinition = { name: 'console', callsServices: true, module: AppModule, config: consoleConfig, jsonLimit: false };
