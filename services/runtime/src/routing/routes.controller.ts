import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { Needs, Problem, type KnownRequest } from '@vitae/service-kit';
import type { NextFunction, Request, Response } from 'express';
import { BodyTooLarge, readBody } from '../model-server/request-body.client.ts';
import { Endpoints } from './endpoints.worker.ts';
import { endpointName, Route } from './route-document.ts';

/** Where the deployment service looks at what is served, and says what should be. */
@Controller('admin/endpoints')
@Needs('serving.route')
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

/** Parses JSON for /admin, of somebody who is known. Elsewhere bodies stay bytes, for the inference log keeps them as they came. */
export function adminJson(request: Request & KnownRequest, _response: Response, next: NextFunction): void {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (!hasBody || !request.principal) return next(); // the guard says the rest
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
