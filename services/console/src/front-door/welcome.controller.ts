import { createHash } from 'node:crypto';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { IssuerClient } from '../session/issuer.client.ts';
import { Sessions } from '../session/sessions.store.ts';
import { HttpServer } from './http-server.worker.ts';
import { ServicesClient } from './services.client.ts';
import { pageStyle, welcomePage } from './welcome-page.ts';

const STYLE = `'sha256-${createHash('sha256').update(pageStyle).digest('base64')}'`;

/** The page at `/`. */
@ApiExcludeController()
@Public('says where to log in')
@Controller()
export class WelcomeController {
  constructor(
    private readonly server: HttpServer,
    private readonly services: ServicesClient,
    private readonly sessions: Sessions,
    private readonly issuer: IssuerClient,
  ) {}

  @Get()
  async welcome(@Req() request: Request, @Res() response: Response): Promise<void> {
    const found = await this.sessions.find(request);
    if (found.kind === 'bad') response.append('Set-Cookie', [...this.sessions.clearing(request)]);
    const person = found.kind === 'session' ? { name: found.session.name ?? found.session.subject, until: new Date(this.sessions.endsAt(found.sent) * 1_000).toISOString(), csrfToken: this.sessions.csrfToken(found.session) } : undefined;
    const { logoutOrigin } = this.issuer;
    // The logout is a form that leads on to the issuer, and browsers count that as the form's target.
    const targets = [`'self'`, ...(logoutOrigin === undefined ? [] : [logoutOrigin])].join(' ');
    response.set({
      'Content-Security-Policy': `default-src 'none'; style-src ${STYLE}; form-action ${targets}; frame-ancestors 'none'; base-uri 'none'`,
      // Under no-referrer, which all else has, a browser would send the form with `Origin: null`.
      'Referrer-Policy': 'same-origin',
    });
    response.type('html').send(welcomePage({ services: this.services.names, loginUrl: `${this.server.origin}/auth/login`, person }));
  }
}
