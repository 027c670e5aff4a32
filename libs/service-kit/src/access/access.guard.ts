import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { CONFIG, type BaseConfig } from '../config.ts';
import { projectNamed } from '../identity.ts';
import { AccessAudit } from './access-audit.ts';
import { credentialMissing, type KnownRequest } from './authenticate.ts';
import { loginTooOld, permissionMissing } from './must-have.ts';
import { accessOf, type PermissionNeeded, type RouteAccess } from './needs.ts';
import { ruleOf, type Permission } from './permissions.ts';
import { INSTALLATION, loggedInRecently, may, maySomewhere, type Principal } from './principal.ts';
import { allow } from './project-scope.ts';
import { RateLimits } from './rate-limits.store.ts';

/** Before every route: who is not known, or may not do what the route needs, comes no further. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly audit: AccessAudit,
    private readonly limits: RateLimits,
    @Inject(CONFIG) private readonly config: BaseConfig,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const access = accessOf(this.reflector, execution.getHandler(), execution.getClass());
    if (access?.type === 'public') return true;
    const request = execution.switchToHttp().getRequest<Request & KnownRequest>();
    const { principal } = request;
    if (!principal) throw credentialMissing();
    if (access === undefined) throw new Error(`${execution.getClass().name}.${execution.getHandler().name} says nothing of who may call it`); // the start has looked; a route made later must not be open
    const projectId = this.#projectOf(request, access);
    await this.limits.takeOfCaller(principal);
    request.permits = (again) => access.type !== 'needs' || heldOf(again, access, projectId).length > 0;
    if (access.type === 'needs') {
      this.#permit(principal, access, projectId);
      const visible = visibleTo(principal, access, projectId);
      await this.limits.takeOfProject(principal, projectId); // only now: whoever has no part in a project does not use up what it may be asked
      allow(visible);
    }
    return true;
  }

  #permit(principal: Principal, needed: PermissionNeeded, projectId: string): void {
    const held = heldOf(principal, needed, projectId);
    const [first] = held;
    if (first === undefined) throw permissionMissing(needed.permissions, projectId);
    if (held.every((permission) => ruleOf(permission).recentLogin) && !loggedInRecently(principal, Date.now() / 1000)) throw loginTooOld(first, projectId);
    const read = held.find((permission) => ruleOf(permission).audited);
    if (read !== undefined) this.audit.read({ principal, permission: read, projectId });
  }

  #projectOf(request: Request, access: RouteAccess): string {
    if (access.type === 'needs' && typeof access.project === 'function') return access.project(request, this.config);
    const said = request.params['projectId'];
    if (typeof said !== 'string') return INSTALLATION;
    return said === INSTALLATION ? '' : said; // an address does not become the installation by naming its project so
  }
}

/** Which of the permissions that suffice the caller has. */
const heldOf = (principal: Principal, { permissions, project }: PermissionNeeded, projectId: string): Permission[] =>
  permissions.filter((permission) => (project === 'any' ? maySomewhere(principal, permission) : may(principal, permission, projectId)));

/**
 * What the database shows of the request, behind the wall that it is itself: the project that was asked for. A route that asks
 * by itself sees where the caller is at home, and what belongs to the installation.
 * @throws Problem 400 project-malformed: what is no name of a project comes no further.
 */
function visibleTo({ grants }: Principal, { project }: PermissionNeeded, projectId: string): readonly string[] | '*' {
  if (project === 'any') {
    const projects = grants.flatMap((grant) => grant.projects);
    return projects.includes(INSTALLATION) ? '*' : [...projects, 'vitae'];
  }
  if (projectId === INSTALLATION) return '*';
  return [projectNamed(projectId)];
}
