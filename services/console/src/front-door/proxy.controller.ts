import { All, Controller, Inject, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CONFIG, Problem, Public } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import type { ConsoleConfig } from '../config.ts';
import { bodyPace } from '../edge/body-pace.worker.ts';
import { onwardHeaders } from '../edge/onward-headers.ts';
import { pathFault } from '../edge/path-fault.ts';
import { csrfRefused } from '../session/auth.controller.ts';
import { csrfFault } from '../session/csrf.ts';
import type { Session } from '../session/session.ts';
import { expired, Sessions } from '../session/sessions.store.ts';
import { HttpServer } from './http-server.worker.ts';
import { routeOf, type Route } from './routes.ts';
import { ServicesClient } from './services.client.ts';

/** What a request under way needs when its answer comes, or none does. */
interface Underway {
  readonly failed: (error: Error) => void;
  /** Set-Cookie lines that go out with the answer. */
  readonly renewal: () => readonly string[];
  readonly private: boolean;
}

/** For which session a request goes on, and which cookies renew it. */
interface Actor {
  readonly session: Session;
  readonly renewal: readonly string[];
}

/** Passes requests on to the services, bytes for bytes in both directions. */
@ApiExcludeController()
@Public('the service that it leads to asks who it is, and what one may')
@Controller()
export class ProxyController {
  readonly #routes: readonly Route[];
  readonly #proxies = new Map<string, RequestHandler<Request, Response>>();
  readonly #underway = new WeakMap<Request, Underway>();

  constructor(
    services: ServicesClient,
    @Inject(CONFIG) private readonly config: ConsoleConfig,
    private readonly server: HttpServer,
    private readonly sessions: Sessions,
  ) {
    this.#routes = services.routes;
    for (const { target } of this.#routes) {
      this.#proxies.set(
        target,
        createProxyMiddleware<Request, Response>({
          target,
          // Instead of its own plugins, which would answer an error in plain text: `pass` answers with a problem document.
          ejectPlugins: true,
          plugins: [
            (proxy) => void proxy.on('error', (error, failed) => failed && this.#underway.get(failed)?.failed(error)),
            (proxy) => void proxy.on('proxyRes', (answer, request) => this.#back(answer.headers, request)),
          ],
        }),
      );
    }
  }

  @All(['api/{*path}', 'v2', 'v2/{*path}'])
  async pass(@Req() request: Request, @Res() response: Response): Promise<void> {
    const fault = pathFault(request.originalUrl);
    if (fault !== undefined) throw new Problem(400, 'path-refused', 'The path has more than one reading', `The path is not passed on because ${fault}. Write it in its plain form.`);
    const found = routeOf(this.#routes, request.originalUrl);
    const proxy = found && this.#proxies.get(found.route.target);
    if (!found || !proxy) {
      throw new Problem(404, 'route-unknown', 'No such route', `The front door has no route for ${request.path}; paths begin with /api/<service>/ or /v2/.`);
    }
    const { route, path } = found;
    this.#weigh(request, route);
    const actor = await this.#actor(request, response, path);
    const trust = { proxies: this.config.VITAE_TRUSTED_PROXIES, origin: this.config.VITAE_PUBLIC_URL };
    const reached = { remote: request.socket.remoteAddress ?? '', encrypted: 'encrypted' in request.socket };
    request.headers = onwardHeaders(request.headers, reached, trust, route.becomes === route.prefix ? '' : route.prefix);
    if (actor) request.headers.authorization = `Bearer ${actor.session.accessToken}`;
    request.url = path;
    await this.#send(proxy, request, response, route, actor);
  }

  /** What is too large is refused before a byte of it went on. The registry counts what it stores, and has a limit of its own. */
  #weigh(request: Request, { service }: Route): void {
    const most = this.config.VITAE_MAX_BODY_BYTES;
    if (service === 'registry' || Number(request.headers['content-length'] ?? 0) <= most) return;
    throw new Problem(413, 'body-too-large', 'The body is too large', `A body for ${service} may have at most ${most} bytes. Send less at a time.`, { headers: { Connection: 'close' } });
  }

  /** The session that a request acts in: none when it brings a credential of its own, for then the cookie is not looked at. */
  async #actor(request: Request, response: Response, path: string): Promise<Actor | undefined> {
    if (request.headers.authorization !== undefined) return undefined;
    const found = await this.sessions.find(request);
    if (found.kind === 'none') return undefined;
    if (found.kind === 'bad') {
      response.append('Set-Cookie', [...this.sessions.clearing(request)]);
      if (/^\/openapi\.json(\?|$)/.test(path)) return undefined; // is for everybody
      throw expired(found.why);
    }
    const sender = { method: request.method, site: request.get('sec-fetch-site'), origin: request.get('origin'), hasToken: this.sessions.hasCsrfToken(found.session, request.get('x-csrf-token')) };
    const fault = csrfFault(sender, this.server.origin);
    if (fault !== undefined) throw csrfRefused(fault);
    const session = await this.sessions.usable(found.session);
    return { session, renewal: await this.sessions.renewal({ ...found, session }, request) };
  }

  async #send(proxy: RequestHandler<Request, Response>, request: Request, response: Response, { service }: Route, actor: Actor | undefined): Promise<void> {
    let watching = (): void => undefined;
    await new Promise<void>((resolve, reject) => {
      this.#underway.set(request, {
        failed: (cause) => {
          if (response.headersSent) return void response.destroy(); // half an answer went out already
          const lines = this.#underway.get(request)?.renewal() ?? [];
          if (lines.length > 0) response.append('Set-Cookie', [...lines]); // tokens that are for once must not be lost
          reject(new Problem(503, 'service-unavailable', 'Service unavailable', `${service} does not answer at the moment; try again in a second.`, { headers: { 'Retry-After': '1' }, cause }));
        },
        renewal: () => (actor && this.sessions.mayStill(actor.session) ? actor.renewal : []),
        private: actor !== undefined,
      });
      response.once('close', resolve);
      if (hasBody(request)) watching = bodyPace(request, this.config.VITAE_BODY_STALL_SECONDS * 1_000, () => {
        response.once('finish', () => request.destroy()); // gives up the request to the service, too
        reject(new Problem(408, 'body-stalled', 'The body stopped arriving', `Nothing of the body arrived for ${this.config.VITAE_BODY_STALL_SECONDS} seconds. Send it again, or go on with an upload that can be resumed.`, { headers: { Connection: 'close' } }));
      });
      proxy(request, response).catch(reject);
    }).finally(() => watching());
  }

  /** What of a service's answer does not reach the browser, and what the door adds. */
  #back(headers: Record<string, string | string[] | undefined>, request: Request): void {
    for (const name of Object.keys(headers)) if (name === 'set-cookie' || name.startsWith('access-control-')) delete headers[name];
    const underway = this.#underway.get(request);
    const lines = underway?.renewal() ?? [];
    if (lines.length > 0) headers['set-cookie'] = [...lines];
    // What somebody saw in a session is not to be read from a cache after the logout.
    if (underway?.private && headers['cache-control'] === undefined) headers['cache-control'] = 'no-store';
    const kept = request.res?.getHeader('vary');
    if (kept !== undefined) headers['vary'] = [headers['vary'], kept].flat().filter((part) => part !== undefined).join(', ');
    if (request.res?.hasHeader('access-control-allow-origin')) delete headers['cross-origin-resource-policy'];
  }
}

const hasBody = ({ headers }: Request): boolean => headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
