import { All, Controller, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Problem } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import { routeOf, type Route } from './routes.ts';
import { ServicesClient } from './services.client.ts';

/** Passes requests on to the services, bytes for bytes in both directions. */
@ApiExcludeController()
@Controller()
export class ProxyController {
  readonly #routes: readonly Route[];
  readonly #proxies = new Map<string, RequestHandler<Request, Response>>();
  /** How to tell of each request under way that its service could not be reached. */
  readonly #failures = new WeakMap<Request, (error: Error) => void>();

  constructor(services: ServicesClient) {
    this.#routes = services.routes;
    for (const { target } of this.#routes) {
      this.#proxies.set(
        target,
        createProxyMiddleware<Request, Response>({
          target,
          xfwd: true,
          // Instead of its own plugins, which would answer an error in plain text: `pass` answers with a problem document.
          ejectPlugins: true,
          plugins: [(proxy) => void proxy.on('error', (error, failed) => failed && this.#failures.get(failed)?.(error))],
        }),
      );
    }
  }

  @All(['api/{*path}', 'v2', 'v2/{*path}'])
  async pass(@Req() request: Request, @Res() response: Response): Promise<void> {
    const found = routeOf(this.#routes, request.originalUrl);
    const proxy = found && this.#proxies.get(found.route.target);
    if (!found || !proxy) {
      throw new Problem(404, 'route-unknown', 'No such route', `The front door has no route for ${request.path}; paths begin with /api/<service>/ or /v2/.`);
    }
    request.url = found.path;
    // Beside what xfwd tells: so that a service can say under which address it is found. Never what a client claims.
    request.headers['x-forwarded-prefix'] = found.route.becomes === found.route.prefix ? '' : found.route.prefix;
    await new Promise<void>((resolve, reject) => {
      const { service } = found.route;
      this.#failures.set(request, (cause) => {
        if (response.headersSent) return void response.destroy(); // half an answer went out already
        reject(new Problem(503, 'service-unavailable', 'Service unavailable', `${service} does not answer at the moment; try again in a second.`, { headers: { 'Retry-After': '1' }, cause }));
      });
      response.once('close', resolve);
      proxy(request, response).catch(reject);
    });
  }
}
