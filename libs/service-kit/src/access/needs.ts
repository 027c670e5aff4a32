import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { ApiExtension } from '@nestjs/swagger';
import type { Request } from 'express';
import type { BaseConfig } from '../config.ts';
import type { Permission } from './permissions.ts';

const ACCESS = 'vitae:access';
const PROJECT = 'vitae:project';
/** Says the same in the OpenAPI document of the route. */
export const ACCESS_EXTENSION = 'x-vitae-access';

type ProjectOf = (request: Request, config: BaseConfig) => string;

/** Who may call a route. */
export type RouteAccess =
  | { readonly type: 'public' | 'known'; readonly why: string }
  | PermissionNeeded;

export interface PermissionNeeded {
  readonly type: 'needs';
  /** One of them suffices. */
  readonly permissions: readonly [Permission, ...Permission[]];
  /** Where it must be held, when that is not `:projectId` (and without one the whole installation). */
  readonly project?: ProjectOf | 'any' | undefined;
}

const said = (access: RouteAccess) => applyDecorators(SetMetadata(ACCESS, access), ApiExtension(ACCESS_EXTENSION, access));

/**
 * What the caller of a route must have: one of these permissions, in the project of the address (`:projectId`) or, where
 * there is none, on the whole installation. On a class it is said for all its routes; a method says it anew. A route of which
 * nothing is said keeps the service from starting.
 */
export const Needs = (first: Permission, ...others: readonly Permission[]) => said({ type: 'needs', permissions: [first, ...others] });

/** A route that anybody may ask, known or not. MUST say why. */
export const Public = (why: string) => said({ type: 'public', why });

/** A route for everybody who is known, whatever he may. MUST say why. */
export const Known = (why: string) => said({ type: 'known', why });

/** For addresses without `:projectId`: which project they belong to, or `any`, where the route itself asks (`mustHave`) once it knows. */
export const InProject = (project: ProjectOf | 'any') => SetMetadata(PROJECT, project);

/** What is said of a route, by its method or else by its class. */
export function accessOf(reflector: Reflector, handler: Parameters<Reflector['get']>[1], controller: Parameters<Reflector['get']>[1]): RouteAccess | undefined {
  const access = reflector.getAllAndOverride<RouteAccess | undefined>(ACCESS, [handler, controller]);
  const project = reflector.getAllAndOverride<ProjectOf | 'any' | undefined>(PROJECT, [handler, controller]);
  return access?.type === 'needs' ? { ...access, project } : access;
}
