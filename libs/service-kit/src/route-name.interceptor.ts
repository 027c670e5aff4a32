import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { context } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import type { Observable } from 'rxjs';

/** Tells the HTTP span and metric the route (`/v1/projects/:projectId/models`) instead of an address with ids in it. */
@Injectable()
export class RouteName implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const metadata = getRPCMetadata(context.active());
    const { route } = execution.switchToHttp().getRequest<{ route?: { path?: string } }>();
    if (metadata && route?.path) metadata.route = route.path;
    return next.handle();
  }
}
