import { Injectable, StreamableFile, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Request, Response } from 'express';
import { concatMap, type Observable } from 'rxjs';
import { PersonalTexts } from './personal-texts.ts';

/** Opens the sealed texts in every answer on its way out; server-sent events pass one by one. */
@Injectable()
export class PersonalText implements NestInterceptor {
  constructor(private readonly texts: PersonalTexts) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = execution.switchToHttp();
    return next.handle().pipe(concatMap((body) => this.#shown(body, http.getRequest<Request>(), http.getResponse<Response>())));
  }

  async #shown(body: unknown, request: Request, response: Response): Promise<unknown> {
    if (body === null || (typeof body !== 'object' && typeof body !== 'string')) return body;
    if (body instanceof StreamableFile || body instanceof Uint8Array || !this.texts.areIn(body)) return body;
    // What was erased must not live on in somebody's cache.
    if (!response.headersSent) response.set('Cache-Control', 'no-store');
    return this.texts.show(body, request);
  }
}
