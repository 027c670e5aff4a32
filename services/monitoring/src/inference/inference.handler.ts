import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, inSpan, Ledger, type ViewTransaction } from '@vitae/service-kit';
import { activeBaselines } from '../baseline/baselines.view.ts';
import type { MonitoringConfig } from '../config.ts';
import { GroundTruthHandler } from '../ground-truth/ground-truth.handler.ts';
import { addTraffic, lockTraffic, type EndpointKey } from '../traffic/traffic.view.ts';
import { WindowHandler } from '../window/window.handler.ts';
import type { InferenceMessage } from './cloud-event.ts';
import { requestIdOf, takeMessages, type Exchange, type Step } from './exchange.ts';
import { exchangesFor, saveExchanges } from './exchanges.view.ts';
import type { Delivered } from './inference-stream.client.ts';
import { lockMark, moveMark, parkMessage } from './mark.view.ts';

/**
 * Counts a batch of inference messages, exactly once, in one transaction:
 *
 *   1 lock the mark; pass over what is under it
 *   2 join requests and responses
 *   3 count rows into windows; full ones are judged, alerts raised or cleared
 *   4 labels that waited for these predictions; verdicts on rollouts
 *   5 move the mark
 */
@Injectable()
export class InferenceHandler {
  constructor(
    private readonly ledger: Ledger,
    private readonly windows: WindowHandler,
    private readonly truth: GroundTruthHandler,
    @Inject(CONFIG) private readonly config: MonitoringConfig,
  ) {}

  /** @returns the mark afterwards. */
  count(incarnation: string, batch: readonly Delivered[]): Promise<number> {
    return inSpan('count inferences', { attributes: { 'messaging.batch.message_count': batch.length } }, () =>
      this.ledger.transact(async (tx) => {
        const mark = await lockMark(tx.sql, incarnation);
        const last = batch.at(-1)?.sequence ?? 0;
        if (last <= mark) return mark;
        const messages = batch.flatMap(({ sequence, message }) => (message && sequence > mark ? [message] : []));
        if (messages.length > 0) await this.#take(tx, messages);
        await moveMark(tx.sql, incarnation, last);
        return last;
      }),
    );
  }

  /** Passes over a message that cannot be counted, and keeps its error. */
  park(incarnation: string, sequence: number, error: Error): Promise<number> {
    return this.ledger.transact(async (tx) => {
      const mark = await lockMark(tx.sql, incarnation);
      if (sequence <= mark) return mark;
      await parkMessage(tx.sql, incarnation, sequence, error);
      await moveMark(tx.sql, incarnation, sequence);
      return sequence;
    });
  }

  async #take(tx: ViewTransaction, messages: readonly InferenceMessage[]): Promise<void> {
    const waitMs = this.config.VITAE_RESPONSE_WAIT_SECONDS * 1_000;
    const known = await exchangesFor(tx.sql, messages, (messages.at(-1)?.receivedAt ?? 0) - waitMs);
    const { changed, steps } = takeMessages(known, messages, waitMs);
    const endpoints = endpointsOf(changed);
    await lockTraffic(tx.sql, endpoints);
    await saveExchanges(tx.sql, changed);
    await addTraffic(tx.sql, steps.map(trafficOf));

    for (const baseline of await activeBaselines(tx.sql, endpoints)) {
      const own = steps.filter(({ exchange }) => sameEndpoint(exchange, baseline));
      if (own.length > 0) await this.windows.count(tx, baseline, own);
    }
    for (const endpoint of endpoints) {
      const predicted = changed.filter((exchange) => exchange.completedBy !== undefined && sameEndpoint(exchange, endpoint));
      if (predicted.length > 0) await this.truth.meet(tx, endpoint, predicted.map(requestIdOf));
    }
  }
}

function endpointsOf(exchanges: readonly Exchange[]): EndpointKey[] {
  return [...new Map(exchanges.map(({ projectId, endpointId }) => [`${projectId} ${endpointId}`, { projectId, endpointId }])).values()];
}

const sameEndpoint = (a: EndpointKey, b: EndpointKey): boolean => a.endpointId === b.endpointId && a.projectId === b.projectId;

function trafficOf({ kind, exchange, rows, ...step }: Step) {
  const { projectId, endpointId } = exchange;
  if (kind === 'rows') return { projectId, endpointId, rows };
  return { projectId, endpointId, lost: rows, unreadable: 'unreadable' in step && step.unreadable ? rows : 0 };
}
