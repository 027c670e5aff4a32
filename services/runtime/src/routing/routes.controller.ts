import { createHash, timingSafeEqual } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Inject, Injectable, Param, Put, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ApiBearerAuth } from '@nestjs/swagger';
import { CONFIG, Problem } from '@vitae/service-kit';
import type { NextFunction, Request, Response } from 'express';
import type { RuntimeConfig } from '../config.ts';
import { BodyTooLarge, readBody } from '../model-server/request-body.client.ts';
import { Endpoints } from './endpoints.worker.ts';
import { endpointName, Route } from './route-document.ts';

/** Who may change what is served: whoever shows the token; without a token (local mode only), this machine. */
@Injectable()
export class AdminOnly implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: RuntimeConfig) {}

  canActivate(execution: ExecutionContext): boolean {
    const request = execution.switchToHttp().getRequest<Request>();
    const token = this.config.RUNTIME_ADMIN_TOKEN;
    if (token === undefined) {
      if (this.config.VITAE_MODE === 'local' && isLoopback(request.socket.remoteAddress)) return true;
      throw new Problem(403, 'admin-local-only', 'Only this machine may change what is served', 'This runtime has no admin token, so /admin answers callers on its own machine only. Set RUNTIME_ADMIN_TOKEN here and at the deployment service.');
    }
    if (sameText(request.headers.authorization ?? '', `Bearer ${token}`)) return true;
    throw new Problem(401, 'admin-token-wrong', 'The caller may not change what is served', 'Send Authorization: Bearer with the RUNTIME_ADMIN_TOKEN of this runtime.', {
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  }
}

/** Where the deployment service looks at what is served, and says what should be. */
@Controller('admin/endpoints')
@UseGuards(AdminOnly)
@ApiBearerAuth()
export class RoutesController {
  constructor(private readonly endpoints: Endpoints) {}

  @Get()
  observe() {
    return this.endpoints.observed();
  }

  /** Declarative: the same route again changes nothing. Answers at once; loading is observed. */
  @Put(':name')
  async put(@Param('name', { schema: endpointName }) name: string, @Body({ schema: Route }) route: Route) {
    return this.endpoints.put(name, route);
  }

  @Delete(':name')
  @HttpCode(204)
  async remove(@Param('name', { schema: endpointName }) name: string): Promise<void> {
    if (await this.endpoints.remove(name)) return;
    throw new Problem(404, 'endpoint-not-found', 'Endpoint not found', `The runtime serves no endpoint ${name}. GET /admin/endpoints lists what it serves.`);
  }
}

/** Most of a route document, in bytes. */
const MOST = 256 * 1024;

/** Parses JSON for /admin. Elsewhere bodies stay bytes, for the inference log keeps them as they came. */
export function adminJson(request: Request, _response: Response, next: NextFunction): void {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (!hasBody) return next();
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    return next(new Problem(415, 'unsupported-media-type', 'The content type is not supported', `The body came with Content-Type ${request.headers['content-type'] ?? '(none)'}. This route reads application/json.`));
  }
  readBody(request, MOST).then(
    (bytes) => {
      try {
        request.body = JSON.parse(bytes.toString('utf8'));
        next();
      } catch (error) {
        next(new Problem(400, 'malformed-json', 'The body is not JSON', `The body could not be read as JSON: ${(error as Error).message}. Send well-formed JSON (RFC 8259).`));
      }
    },
    (error: unknown) => next(error instanceof BodyTooLarge ? new Problem(413, 'body-too-large', 'The body is too large', `A route may have at most ${MOST} bytes.`) : error),
  );
}

const isLoopback = (address: string | undefined): boolean => address === '::1' || /^(::ffff:)?127\./.test(address ?? '');

/** Compares digests, so that the time it takes tells nothing of the secret. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
