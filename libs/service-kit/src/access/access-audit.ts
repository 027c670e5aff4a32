import { create } from '@bufbuild/protobuf';
import { Inject, Injectable, Logger, Optional, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ActorKind, ActorSchema, type Actor } from '@vitae/contracts';
import { streamName } from '@vitae/event-store';
import { v7 as uuid } from 'uuid';
import { DEFINITION, type ServiceDefinition } from '../definition.ts';
import { actorOf, projectId as projectName, type CommandContext } from '../identity.ts';
import { Ledger } from '../ledger.ts';
import { traceparent } from '../trace.ts';
import { accessLog, type Doing } from './access-log.ts';
import { AccessWindows, type Told } from './access-windows.ts';
import type { CredentialFault } from './credential.ts';
import type { Permission } from './permissions.ts';
import type { Principal } from './principal.ts';
import { everyProject } from './project-scope.ts';

/** Somebody who is known wanted something, in a project or on the whole installation (`*`). */
export interface Wanted {
  readonly principal: Principal;
  readonly permission: Permission;
  readonly projectId: string;
}

interface Entry {
  readonly doing: Doing;
  readonly actor: Actor;
  readonly projectId: string;
}

/** How long the same attempt, and the same reading, is summed up, in ms: who looks all day is told each hour. */
const ATTEMPTS_MS = 60_000;
const READS_MS = 3_600_000;
/** How often closed windows are looked for. */
const LOOK_MS = 5_000;
/** Where events of the whole installation are at home. */
const INSTALLATION_PROJECT = 'vitae';

/**
 * Tells the ledger of denied attempts and of reads that matter; the first at once, repetitions within a while as a sum.
 * Nobody waits for it: an answer does not depend on whether it could be told, and what could not be is told in the log. A
 * service without a ledger tells the log alone.
 */
@Injectable()
export class AccessAudit implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger('Access');
  readonly #attempts = new AccessWindows<Entry>(ATTEMPTS_MS);
  readonly #reads = new AccessWindows<Entry>(READS_MS);
  readonly #service: string;
  readonly #telling = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DEFINITION) definition: ServiceDefinition,
    @Optional() private readonly ledger?: Ledger,
  ) {
    this.#service = definition.name;
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#sumUp(Date.now()), LOOK_MS);
    this.#timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.#timer);
    this.#sumUp(Infinity);
    await Promise.all(this.#telling);
  }

  refused(fault: CredentialFault): void {
    this.#log.warn({ fault, msg: 'a credential was refused' });
    this.#happened(fault, 'nobody known', { doing: { type: 'RefuseCredential', fault }, actor: this.#itself(), projectId: INSTALLATION_PROJECT });
  }

  denied({ principal, permission, projectId }: Wanted, why: 'no-permission' | 'login-too-old'): void {
    this.#log.warn({ actor: `${principal.kind}/${principal.id}`, permission, project: projectId, why, msg: 'access was denied' });
    this.#happened(`denied ${keyOf(principal)} ${permission} ${projectId} ${why}`, keyOf(principal), { doing: { type: 'Deny', permission, why }, actor: actorOf(principal), projectId: homeOf(projectId) });
  }

  read({ principal, permission, projectId }: Wanted): void {
    this.#happened(`read ${keyOf(principal)} ${permission} ${projectId}`, keyOf(principal), { doing: { type: 'ReadSensitive', permission }, actor: actorOf(principal), projectId: homeOf(projectId) });
  }

  #itself = (): Actor => create(ActorSchema, { id: this.#service, kind: ActorKind.SYSTEM });

  #happened(key: string, by: string, entry: Entry): void {
    const windows = entry.doing.type === 'ReadSensitive' ? this.#reads : this.#attempts;
    const told = windows.happened({ key, by, what: entry, otherwise: { ...entry, projectId: INSTALLATION_PROJECT } }, Date.now());
    if (told) this.#tell(told);
  }

  #sumUp(now: number): void {
    for (const told of [...this.#attempts.closed(now), ...this.#reads.closed(now)]) this.#tell(told);
  }

  #tell({ what: { doing, actor, projectId }, count, since }: Told<Entry>): void {
    const { ledger } = this;
    if (!ledger) return;
    const id = uuid();
    const context: CommandContext = { projectId, actor, reason: '', occurredAt: new Date().toISOString(), correlationId: id, causationId: '', traceparent: traceparent() };
    const decider = accessLog(this.#service);
    const telling = everyProject(() => ledger.handle(decider, { stream: streamName(decider.category, id), command: { ...doing, count, since }, context, subjects: [], snapshot: { state: undefined, revision: 0, latest: true } }))
      .then(
        () => undefined,
        (error: unknown) => this.#log.error({ err: error, doing, count, msg: 'the ledger could not be told what happened at the doors' }),
      )
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }
}

const keyOf = ({ kind, id }: Principal): string => `${kind}/${id}`;

const homeOf = (projectId: string): string => (projectName.safeParse(projectId).success ? projectId : INSTALLATION_PROJECT);
