import { Logger } from '@nestjs/common';
import type { CredentialFault } from './credential.ts';
import type { Permission } from './permissions.ts';
import type { Principal } from './principal.ts';

/** Somebody who is known wanted something that he may not have. */
export interface Denied {
  readonly principal: Principal;
  readonly permission: Permission;
  readonly projectId: string;
  readonly why: 'no-permission' | 'login-too-old';
}

/** Where denied attempts and reads that matter are told. */
export class AccessAudit {
  readonly #log = new Logger('Access');

  refused({ fault }: { readonly fault: CredentialFault }): void {
    this.#log.warn({ fault, msg: 'a credential was refused' });
  }

  denied({ principal, permission, projectId, why }: Denied): void {
    this.#log.warn({ actor: `${principal.kind}/${principal.id}`, permission, project: projectId, why, msg: 'access was denied' });
  }
}
