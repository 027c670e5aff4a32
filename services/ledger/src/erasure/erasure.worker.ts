import { Injectable, Logger, Optional, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { readStream } from '@vitae/event-store';
import { Keyring } from '@vitae/keyring';
import { Ledger, reactionContext } from '@vitae/service-kit';
import { signal } from '../signal.worker.ts';
import { erasure, type ErasureEvent } from './erasure.ts';
import { erasureStreams } from './erasures.view.ts';
import { erasePerson, sweepPeople } from './person.store.ts';

/** How often it looks when nobody wakes it, in milliseconds. */
const PATROL_MS = 5_000;
const PAGE = 500;

/**
 * Carries out what two people have decided, as long as the service runs:
 *
 *   look for approved erasures ──► destroy the person's keys, sweep ──► take name and accounts away, append
 *   PersonalTextErased (one commit), sweep ──► again
 *
 * It looks at what is committed and keeps no memory. So the keys go after the approval and never before, and one that was
 * cut short at any point is taken up again: destroying twice destroys nothing more, and the second report is refused by
 * the rules. Any number of replicas may do this.
 */
@Injectable()
export class ErasureWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(ErasureWorker.name);
  readonly #approved = signal();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly ledger: Ledger,
    @Optional() private readonly keyring?: Keyring,
  ) {}

  onApplicationBootstrap(): void {
    if (this.keyring) this.#running = this.#run(this.keyring);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping = true;
    this.#approved.raise();
    await this.#running;
  }

  /** Something was approved. */
  wake(): void {
    this.#approved.raise();
  }

  async #run(keyring: Keyring): Promise<void> {
    let wrapped = false;
    while (!this.#stopping) {
      try {
        if (!wrapped) await this.#wrapAnew(keyring);
        wrapped = true;
        await this.#carryOut(keyring);
      } catch (error) {
        this.#log.warn({ err: error, msg: 'erasures met an obstacle and are tried again' });
      }
      if (!this.#stopping) await this.#approved.wait(PATROL_MS);
    }
  }

  /** After the tenant key got a new version, nothing shall depend on the old one. */
  async #wrapAnew(keyring: Keyring): Promise<void> {
    const { wrapped, left } = await keyring.rewrap();
    if (wrapped > 0) this.#log.log(`${wrapped} keys were wrapped anew by the newest version of the tenant key`);
    if (left.length > 0) this.#log.error({ keys: left, msg: 'keys do not open with the tenant key; their texts cannot be read' });
  }

  async #carryOut(keyring: Keyring): Promise<void> {
    for (let after = ''; !this.#stopping; ) {
      const streams = await erasureStreams(this.ledger.sql, { after, limit: PAGE });
      for (const stream of streams) await this.#carryOutOne(keyring, stream);
      if (streams.length < PAGE) return;
      after = streams.at(-1) ?? after;
    }
  }

  async #carryOutOne(keyring: Keyring, stream: string): Promise<void> {
    const events = await readStream(this.ledger.sql, stream);
    const last = events.at(-1);
    const state = events.reduce((folded, { event }) => erasure.evolve(folded, event as ErasureEvent), erasure.initial);
    if (state.state !== 'approved' || last === undefined) return;
    const { erasureId, person } = state;
    const keyIds = await keyring.destroy(person, erasureId);
    await keyring.sweep().catch((error: unknown) => {
      // The keys are destroyed all the same; PostgreSQL overwrites their bytes by and by.
      this.#log.warn({ err: error, msg: 'what is left of destroyed keys could not be swept out of the table' });
    });
    const context = reactionContext(last, 'ledger', 'the keys are destroyed', erasureId);
    const report = { stream, command: { type: 'RecordErased', erasureId, keyIds } as const, context, subjects: [...last.subjects] };
    await this.ledger.handle(erasure, report, async ({ sql }) => void (await erasePerson(sql, person)));
    await sweepPeople(this.ledger.sql).catch((error: unknown) => {
      this.#log.warn({ err: error, msg: 'what is left of erased names could not be swept out of the tables' });
    });
    this.#log.log({ erasureId, keys: keyIds.length, msg: 'personal text was erased' });
  }
}
