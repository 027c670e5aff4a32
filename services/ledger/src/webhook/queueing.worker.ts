import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { eventFromJson } from '@vitae/contracts';
import type { RawEntry, Sql } from '@vitae/event-store';
import { advanceBookmark, openBookmark } from '@vitae/messaging';
import { Ledger, Readiness } from '@vitae/service-kit';
import { LedgerPages } from '../ledger-pages.store.ts';
import { signal } from '../signal.worker.ts';
import { noteDeliveries, type Noted } from './deliveries.view.ts';
import { DeliveryWorker } from './delivery.worker.ts';
import { filterOf, type WebhookEvent } from './webhook.ts';

const NAME = 'ledger.webhooks';
const PAGE = 2_000;
/** Longest between two looks, in milliseconds: another replica may have sequenced. */
const PATROL_MS = 500;
/** What comes within this time goes into one transaction, and while nobody is to be told anything. */
const GATHER_MS = 50;
const NOBODY_MS = 200;

/** The events that change who is told of what. */
const FOLLOWED: ReadonlySet<string> = new Set<WebhookEvent['$typeName']>(['vitae.ledger.v1.WebhookSubscribed', 'vitae.ledger.v1.WebhookFilterReplaced', 'vitae.ledger.v1.WebhookUnsubscribed']);

/**
 * Turns the ledger into the queues of the webhooks: one row for each webhook and event it wants, page by page, rows and
 * bookmark in one transaction. Not a consumer of JetStream: this service has the pages at hand, and without a webhook
 * nothing of them is looked at.
 */
@Injectable()
export class QueueingWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(QueueingWorker.name);
  readonly #more = signal();
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #bookmark = 0;
  #anybody = true;
  #trouble: string | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly pages: LedgerPages,
    private readonly deliveries: DeliveryWorker,
    private readonly readiness: Readiness,
  ) {}

  onApplicationBootstrap(): void {
    this.readiness.register('webhook queues', () => (this.#trouble === undefined ? Promise.resolve({ bookmark: this.#bookmark }) : Promise.reject(new Error(this.#trouble))));
    this.#running = this.#run();
  }

  async onModuleDestroy(): Promise<void> {
    this.#stopping = true;
    this.#more.raise();
    await this.#running;
  }

  /** There are newly sequenced events. */
  wake(): void {
    this.#more.raise();
  }

  async #run(): Promise<void> {
    let known = false; // where the bookmark stands
    while (!this.#stopping) {
      try {
        if (!known) this.#bookmark = await openBookmark(this.ledger.sql, NAME);
        known = true;
        while (!this.#stopping && (await this.#page()));
        this.#trouble = undefined;
      } catch (error) {
        known = false;
        this.#trouble = (error as Error).message;
        this.#log.warn({ err: error, msg: 'the queues of the webhooks met an obstacle and are tried again' });
      }
      if (this.#stopping) return;
      await this.#more.wait(PATROL_MS);
      await sleep(this.#anybody ? GATHER_MS : NOBODY_MS);
    }
  }

  /** One page. Answers whether there may be more. */
  async #page(): Promise<boolean> {
    const { entries, end } = await this.pages.page(this.#bookmark, PAGE);
    if (entries.length === 0) return false;
    const done = await this.ledger.transact(async ({ sql }) => {
      if (!(await advanceBookmark(sql, NAME, entries))) return undefined; // another replica was here first
      return queue(sql, entries);
    });
    this.#bookmark = done ? this.#bookmark + entries.length : await openBookmark(this.ledger.sql, NAME);
    if (done?.news) this.deliveries.wake();
    this.#anybody = done?.anybody ?? true;
    return !end || !done;
  }
}

async function queue(sql: Sql, entries: readonly RawEntry[]): Promise<Noted> {
  let from = entries[0]?.index ?? 0;
  let news = false;
  for (const entry of entries) {
    if (!FOLLOWED.has(entry.type)) continue;
    news = (await noteDeliveries(sql, from, entry.index)).news || news; // by what held until then
    await follow(sql, entry);
    from = entry.index + 1;
  }
  const rest = await noteDeliveries(sql, from, entries.at(-1)?.index ?? -1);
  return { news: news || rest.news, anybody: rest.anybody };
}

/** Who wants what is itself learnt from the ledger, so that a filter holds for exactly the events after it. */
async function follow(sql: Sql, { type, payload, projectId, index }: RawEntry): Promise<void> {
  const event = eventFromJson(type, payload) as WebhookEvent;
  switch (event.$typeName) {
    case 'vitae.ledger.v1.WebhookSubscribed': {
      const { types, subjects } = filterOf(event);
      await sql.query(
        `insert into webhooks.subscription (webhook_id, project_id, types, subjects, since_index) values ($1, $2, $3, $4, $5)
         on conflict (webhook_id) do update set types = excluded.types, subjects = excluded.subjects`,
        [event.webhookId, projectId, types, subjects, index],
      );
      break;
    }
    case 'vitae.ledger.v1.WebhookFilterReplaced': {
      const { types, subjects } = filterOf(event);
      await sql.query('update webhooks.subscription set types = $2, subjects = $3 where webhook_id = $1', [event.webhookId, types, subjects]);
      break;
    }
    case 'vitae.ledger.v1.WebhookUnsubscribed':
      await sql.query('delete from webhooks.subscription where webhook_id = $1', [event.webhookId]);
      await sql.query(`update webhooks.delivery set state = 'dropped', tried_at = coalesce(tried_at, now()) where webhook_id = $1 and state = 'waiting'`, [event.webhookId]);
      break;
  }
}
