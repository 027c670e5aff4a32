import 'reflect-metadata';
import type { IncomingMessage, Server } from 'node:http';
import { RequestContext } from '@mikro-orm/core';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Keyring } from '@vitae/keyring';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import type { DestinationStream } from 'pino';
import { AccessAudit } from './access/access-audit.ts';
import { ApiTokens } from './access/api-tokens.store.ts';
import { authenticate, type KnownRequest } from './access/authenticate.ts';
import { Introspection } from './access/introspection.client.ts';
import { openAuthentication } from './access/open-authentication.ts';
import { People } from './access/people.store.ts';
import { inRequest } from './access/project-scope.ts';
import { mustSayAccess, routesOf, type ServiceRoute } from './access/routes.ts';
import { TokenReview } from './access/token-review.client.ts';
import { Broker } from './broker.ts';
import { parseConfig, type BaseConfig } from './config.ts';
import { Consumers } from './consumers.ts';
import { openDatabase, prepareSchemas } from './database.ts';
import type { ServiceDefinition } from './definition.ts';
import { closeGently } from './http-close.ts';
import { openKeyring } from './keyring.ts';
import { KitModule } from './kit.module.ts';
import { atWork, logging, QuietLogger } from './log.ts';
import { serveOpenApi } from './openapi.ts';
import { isOperational } from './operational-paths.ts';
import { Readiness } from './readiness.ts';
import { renewCertificate, servedCertificate } from './served-certificate.ts';
import { refuseSealedText } from './sealed-request.ts';
import { giveUpStalledBodies } from './stalled-body.ts';
import { telemetry } from './telemetry-handle.ts';
import { markForeignBody } from './validation.ts';

/** A service that runs. */
export interface Running {
  /** Where it listens, e.g. `http://127.0.0.1:7401`. */
  readonly url: string;
  /** Every route that it answers, with who may call it. */
  readonly routes: readonly ServiceRoute[];
  /** Not ready, no more events, requests finished, broker drained, database closed: in that order. Idempotent. */
  stop(): Promise<void>;
}

export interface BootOptions {
  /** Where log lines go instead of stdout. One logger serves the process: the first boot's counts. */
  readonly log?: DestinationStream;
}

/**
 * Starts a service in this process. Installs no signal handlers, so that several services can share a process.
 * @throws ConfigError for a bad environment; otherwise what could not be opened, with everything closed again.
 */
export async function boot<C extends BaseConfig>(definition: ServiceDefinition<C>, env: NodeJS.ProcessEnv, options: BootOptions = {}): Promise<Running> {
  const { name, database, broker: wantsBroker = database !== undefined } = definition;
  const config = parseConfig(name, definition.config, env, { database: database !== undefined, broker: wantsBroker, services: definition.callsServices === true, grants: !definition.passesCredentialsOn });
  telemetry.nameService(name);
  // Closed in the opposite order of opening, whether the start fails half-way or the service stops one day.
  const opened = new AsyncDisposableStack();
  try {
    return await atWork.run(name, () => start(definition as ServiceDefinition, config, opened, options));
  } catch (error) {
    await opened.disposeAsync().catch(() => undefined);
    throw error;
  }
}

async function start(definition: ServiceDefinition, config: BaseConfig, opened: AsyncDisposableStack, options: BootOptions): Promise<Running> {
  const { name, database, broker: wantsBroker = database !== undefined } = definition;

  // 1. What the service stands on.
  const url = config.DATABASE_URL ?? '';
  if (database) await reachable(name, url, () => prepareSchemas(name, url, database, config.VITAE_MIGRATIONS));
  const orm = database && (await openDatabase(name, url, config, database));
  if (orm) opened.defer(() => orm.close(true));
  const keyring: Keyring | undefined = database && (await openKeyring(name, config));
  if (keyring) opened.defer(() => keyring.close());
  const broker = wantsBroker ? await Broker.open(name, config) : undefined;
  if (broker) opened.defer(() => broker.drain());

  // 2. The application.
  const kit = KitModule.around(definition, config, { ...(orm ? { orm } : {}), ...(broker ? { broker } : {}), ...(keyring ? { keyring } : {}), logging: logging(name, config, options.log) });
  const httpsOptions = await servedCertificate(config);
  const app = await NestFactory.create<NestExpressApplication>(kit, { abortOnError: false, bufferLogs: true, bodyParser: false, rawBody: true, ...(httpsOptions ? { httpsOptions } : {}) });
  opened.defer(() => app.close());
  app.useLogger(app.get(QuietLogger));
  app.set('etag', false); // an ETag is a revision here, never a hash of the answer
  app.useSecurityHeaders({
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
    ...(httpsOptions ? {} : { strictTransportSecurity: false }), // said by whoever terminates TLS
  });
  const server = app.getHttpServer() as Server;
  server.headersTimeout = HEADERS_TIMEOUT;
  server.requestTimeout = 0; // an upload of gigabytes takes its time; one that stands still is given up
  if (!definition.passesCredentialsOn) app.use(giveUpStalledBodies(config.VITAE_BODY_STALL_SECONDS * 1_000)); // who passes bodies on watches them himself
  app.use((_request: Request, _response: Response, next: NextFunction) => atWork.run(name, next));
  if (!definition.passesCredentialsOn) {
    const registers = { people: orm && app.get(People), apiTokens: orm ? app.get(ApiTokens) : app.get(Introspection), tokenReview: app.get(TokenReview) };
    const authentication = await openAuthentication(config, registers);
    opened.defer(() => authentication.close());
    app.use(authenticate(authentication, app.get(AccessAudit)));
  }
  // Behind here a request sees no project until the guard has said which. Checks and measures look at everything, and show numbers only.
  app.use((request: Request, _response: Response, next: NextFunction) => (isOperational(request.url) ? next() : inRequest(next)));
  const routes = routesOf(app);
  mustSayAccess(routes);
  if (definition.jsonLimit !== false) {
    // Not strict: a body may be any JSON value (RFC 8259), and each route's schema says which it takes.
    app.useBodyParser('json', { limit: definition.jsonLimit ?? '1mb', strict: false, type: jsonBut(definition.bytesAt) });
    app.use(markForeignBody);
    app.use(refuseSealedText);
  }
  if (orm) app.use((_request: Request, _response: Response, next: NextFunction) => RequestContext.create(orm.em, next));
  serveOpenApi(app, definition, VERSION);

  // 3. Doors open; only then events, so that a consumer never waits for a service that waits for it.
  const consumers = orm && broker ? app.get(Consumers) : undefined;
  consumers?.announce();
  await app.listen(config.PORT, config.HOST);
  const readiness = app.get(Readiness);
  opened.defer(() => closeGently(app.getHttpServer()));
  opened.defer(renewCertificate(app.getHttpServer(), config));
  if (consumers) {
    opened.defer(() => consumers.stop());
    await consumers.start();
  }
  const address = await app.getUrl();
  const log = new Logger('Boot');
  if (database && !keyring) log.warn('KEYRING_DATABASE_URL is not set: what people write is stored in clear, and can never be erased');
  log.log({ url: address, mode: config.VITAE_MODE, msg: `${name} listens on ${address}` });

  let stopping: Promise<void> | undefined;
  return {
    url: address,
    routes,
    stop: () =>
      (stopping ??= atWork.run(name, async () => {
        readiness.drain();
        log.log(`${name} stops`);
        await opened.disposeAsync();
      })),
  };
}

/** Longest that the headers of a request may take to arrive, in milliseconds. */
const HEADERS_TIMEOUT = 60_000;

/** Which bodies are parsed: none of somebody who is not known. */
const jsonBut = (bytesAt: ServiceDefinition['bytesAt']) => (request: IncomingMessage & KnownRequest): boolean =>
  request.principal !== undefined && /^\s*application\/(?:json|[\w.!#$&^-]+\+json)\s*(?:;|$)/i.test(request.headers['content-type'] ?? '') && !bytesAt?.((request.url ?? '').split('?', 1)[0] ?? '');

/** All packages of the suite carry one version. */
export const VERSION = '0.1.0';

/** A database that is not there is the commonest start-up fault; it gets a message and not a driver's stack. */
async function reachable<T>(service: string, url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    if (typeof code !== 'string' || !/^(E[A-Z]+|28\w{3}|3D000|57P03)$/.test(code)) throw cause;
    const { host, pathname } = new URL(url);
    throw new Error(`${service} cannot use PostgreSQL at ${host}${pathname}: ${(cause as Error).message || code}. Start it, or correct DATABASE_URL.`, { cause });
  }
}
