import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { AccessDenialCause, AccessDeniedSchema, CredentialRefusedSchema, SensitiveReadSchema, type AccessDenied, type CredentialRefused, type SensitiveRead } from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import type { CredentialFault } from './credential.ts';
import type { Permission } from './permissions.ts';

export type AccessEvent = AccessDenied | CredentialRefused | SensitiveRead;

/** What somebody did at a door. */
export type Doing =
  | { readonly type: 'Deny'; readonly permission: Permission; readonly why: 'no-permission' | 'login-too-old' }
  | { readonly type: 'RefuseCredential'; readonly fault: CredentialFault }
  | { readonly type: 'ReadSensitive'; readonly permission: Permission };

export type AccessCommand = Doing & { readonly count: number; /** In ms since 1970. */ readonly since: number };

/** An entry of a service's access log. Each has a stream of its own, for no entry depends on another. */
export const accessLog = (service: string): Decider<undefined, AccessCommand, AccessEvent> => ({
  category: `${service}.AccessLog`,
  initial: undefined,
  decide(command): readonly AccessEvent[] {
    const counted = { count: BigInt(command.count), since: timestampFromMs(command.since) };
    switch (command.type) {
      case 'Deny': {
        const cause = command.why === 'login-too-old' ? AccessDenialCause.LOGIN_TOO_OLD : AccessDenialCause.NO_PERMISSION;
        return [create(AccessDeniedSchema, { permission: command.permission, cause, ...counted })];
      }
      case 'RefuseCredential':
        return [create(CredentialRefusedSchema, { fault: command.fault, ...counted })];
      case 'ReadSensitive':
        return [create(SensitiveReadSchema, { permission: command.permission, ...counted })];
    }
  },
  evolve: (state) => state,
});
