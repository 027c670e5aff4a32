import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, gauge, Ledger } from '@vitae/service-kit';
import type { RegistryConfig } from '../config.ts';
import { push } from './push.client.ts';
import { toldFrom, type ToldEvent } from './told.view.ts';

/** Between two looks when nothing is to be sent, and after a try that failed: twice as long each time. In milliseconds. */
const LOOK_EVERY = 500;
const LONGEST_WAIT = 60_000;
/** Sent in one transaction, which keeps others from sending the same. */
const TURN = 10;

/**
 * Sends what happened here to the server of `VITAE_OPENLINEAGE_URL`, in order, from the beginning of the ledger. Each event
 * at least once: what was sent and not noted is sent again, under the same run id. Nothing else waits for it.
 *
 *   next index of the target (locked) ──► POST ──► taken: one further      not taken: again, later      refused: told in the log, one further
 */
@Injectable()
export class OpenLineagePusher implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger('OpenLineage');
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #stopGauge: () => void = () => undefined;

  constructor(
    private readonly ledger: Ledger,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    const target = this.config.VITAE_OPENLINEAGE_URL;
    if (target === undefined) return;
    this.#stopGauge = gauge('vitae.openlineage.waiting', '{event}', 'Events that the OpenLineage server has not taken yet', async () => [{ value: await this.#waiting(target).catch(() => 0), attributes: {} }]);
    this.#running = this.#run(target);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopGauge();
    this.#stopped.abort();
    await this.#running;
  }

  async #run(target: string): Promise<void> {
    for (let failures = 0; !this.#stopped.signal.aborted; ) {
      const turn = await this.#turn(target).catch((error: unknown) => ({ sent: 0, why: error instanceof Error ? error.message : String(error) }));
      failures = turn.why === undefined || turn.sent > 0 ? 0 : failures + 1;
      if (turn.why !== undefined && !this.#stopped.signal.aborted) this.#log.warn({ msg: 'OpenLineage could not be sent; it is tried again', target: new URL(target).origin, why: turn.why, failures });
      if (turn.why !== undefined || turn.sent < TURN) await this.#wait(Math.min(LOOK_EVERY * 2 ** failures, LONGEST_WAIT));
    }
  }

  /** A transaction for each turn: who finds the row locked leaves this turn to the other replica. */
  async #turn(target: string): Promise<{ readonly sent: number; readonly why?: string }> {
    return this.ledger.transact(async ({ sql }) => {
      await sql.query('insert into registry.openlineage_push (target, next_index) values ($1, 0) on conflict do nothing', [target]);
      const [position] = await sql.query<{ next_index: string }>('select next_index from registry.openlineage_push where target = $1 for update skip locked', [target]);
      if (!position) return { sent: 0 };
      let sent = 0;
      let why: string | undefined;
      for (const told of await toldFrom(sql, Number(position.next_index), TURN)) {
        why = await this.#send(target, told);
        if (why !== undefined) break;
        await sql.query('update registry.openlineage_push set next_index = $2 where target = $1', [target, told.index + 1]);
        sent += 1;
      }
      return { sent, ...(why === undefined ? {} : { why }) };
    });
  }

  /** Why it was not taken; undefined when it was, or when it never will be. */
  async #send(target: string, { index, event }: ToldEvent): Promise<string | undefined> {
    const pushed = await push(target, this.config.VITAE_OPENLINEAGE_API_KEY, event, this.#stopped.signal);
    if (pushed.is === 'later') return pushed.why;
    if (pushed.is === 'refused') this.#log.error({ msg: 'the OpenLineage server refuses an event, which is passed over', index, why: pushed.why });
    return undefined;
  }

  async #waiting(target: string): Promise<number> {
    const [row] = await this.ledger.sql.query<{ n: string }>(
      'select count(*) as n from registry.openlineage_told where index >= coalesce((select next_index from registry.openlineage_push where target = $1), 0)',
      [target],
    );
    return Number(row?.n ?? 0);
  }

  #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#stopped;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done);
    });
  }
}
