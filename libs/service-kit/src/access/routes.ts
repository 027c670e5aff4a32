import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { accessOf, type RouteAccess } from './needs.ts';

/** A route as Nest knows it. */
export interface ServiceRoute {
  /** GET, POST…; ALL for every one. */
  readonly method: string;
  /** As Express reads it: `/v1/projects/:projectId/models`. */
  readonly path: string;
  /** `ModelController.register`. */
  readonly handler: string;
  readonly access: RouteAccess | undefined;
}

/** Every route of every controller, with what it says of access. */
export function routesOf(app: INestApplicationContext): ServiceRoute[] {
  const reflector = new Reflector();
  const scanner = new MetadataScanner();
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    const prototype = metatype?.prototype as Record<string, object> | undefined;
    if (!metatype || !prototype) return [];
    return scanner.getAllMethodNames(prototype).flatMap((name) => {
      const handler = prototype[name] as (() => unknown) | undefined;
      const paths = handler && pathsOf(handler);
      if (!handler || !paths) return [];
      const method = RequestMethod[(Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined) ?? RequestMethod.GET] ?? 'GET';
      const access = accessOf(reflector, handler, metatype as never);
      return (pathsOf(metatype) ?? ['']).flatMap((prefix) => paths.map((path) => ({ method, path: joined(prefix, path), handler: `${metatype.name}.${name}`, access })));
    });
  });
}

/** @throws naming the routes of which nobody has said who may call them: what is forgotten must not be open. */
export function mustSayAccess(routes: readonly ServiceRoute[]): void {
  const silent = routes.filter(({ access }) => access === undefined);
  if (silent.length === 0) return;
  throw new Error(`These routes say nothing of who may call them; put @Needs(…) or @Public('why') on them: ${silent.map(({ method, path, handler }) => `${method} ${path} (${handler})`).join(', ')}`);
}

function pathsOf(target: object): readonly string[] | undefined {
  const path: unknown = Reflect.getMetadata(PATH_METADATA, target);
  return path === undefined ? undefined : [path].flat().map(String);
}

const joined = (prefix: string, path: string): string => `/${[prefix, path].map((part) => part.replaceAll(/^\/+|\/+$/g, '')).filter(Boolean).join('/')}`;
