import { Injectable } from '@nestjs/common';
import { ActorKind } from '@vitae/contracts';
import { Ledger, type CommandContext, type ViewTransaction } from '@vitae/service-kit';
import { CanaryHandler } from '../canary/canary.handler.ts';
import type { LabelledRows } from '../canary/evidence.ts';
import { predictionsOf } from '../inference/exchanges.view.ts';
import { addTraffic, lockTraffic, type EndpointKey } from '../traffic/traffic.view.ts';
import { knownLabels, storeLabels, takeWaitingLabels } from './ground-truth.view.ts';
import { compare, mustFit, newLabels, type RequestLabels } from './labels.ts';

/** Brings labels and predictions together, whichever comes first. */
@Injectable()
export class GroundTruthHandler {
  constructor(
    private readonly ledger: Ledger,
    private readonly canaries: CanaryHandler,
  ) {}

  /**
   * Takes a batch of labels, all or none. Sending the same again is harmless.
   * @returns how many were taken, and how many of them wait for a prediction that has not arrived.
   * @throws Refused, see labels.ts
   */
  async give(endpointId: string, batch: readonly RequestLabels[], { projectId, actor, occurredAt }: CommandContext): Promise<{ accepted: number; unknown: number }> {
    const endpoint = { projectId, endpointId };
    const requestIds = batch.map(({ requestId }) => requestId);
    return this.ledger.transact(async (tx) => {
      await lockTraffic(tx.sql, [endpoint]);
      const fresh = newLabels(batch, await knownLabels(tx.sql, endpoint, requestIds));
      const predictions = new Map((await predictionsOf(tx.sql, projectId, endpointId, requestIds)).map((prediction) => [prediction.requestId, prediction]));
      const labelled: LabelledRows[] = [];
      for (const labels of fresh) {
        const prediction = predictions.get(labels.requestId);
        mustFit(labels, prediction?.predictions);
        const compared = prediction && compare(prediction.predictions, labels.labels);
        if (compared) labelled.push({ variantId: prediction.variantId, at: prediction.at, ...compared });
      }
      const by = { actor: `${KINDS[actor.kind]}/${actor.id}`, at: occurredAt };
      await storeLabels(tx.sql, endpoint, fresh.map((labels) => ({ ...labels, counted: predictions.has(labels.requestId) })), by);
      await this.#count(tx, endpoint, labelled);
      return { accepted: batch.length, unknown: requestIds.filter((id) => !predictions.has(id)).length };
    });
  }

  /** Predictions have arrived: labels that waited for them are counted now. The endpoint MUST be locked. */
  async meet(tx: ViewTransaction, endpoint: EndpointKey, requestIds: readonly string[]): Promise<void> {
    const waiting = await takeWaitingLabels(tx.sql, endpoint, requestIds);
    if (waiting.length === 0) return;
    const labels = new Map(waiting.map((entry) => [entry.requestId, entry.labels]));
    const predictions = await predictionsOf(tx.sql, endpoint.projectId, endpoint.endpointId, [...labels.keys()]);
    const labelled = predictions.flatMap(({ requestId, variantId, at, predictions: values }) => {
      const compared = compare(values, labels.get(requestId) ?? []);
      return compared ? [{ variantId, at, ...compared }] : [];
    });
    await this.#count(tx, endpoint, labelled);
  }

  async #count(tx: ViewTransaction, endpoint: EndpointKey, labelled: readonly LabelledRows[]): Promise<void> {
    await addTraffic(tx.sql, [{ ...endpoint, labelled: labelled.reduce((sum, { rows }) => sum + rows, 0) }]);
    await this.canaries.observe(tx, endpoint, labelled);
  }
}

const KINDS: Readonly<Record<ActorKind, string>> = { [ActorKind.UNSPECIFIED]: 'unknown', [ActorKind.HUMAN]: 'human', [ActorKind.MACHINE]: 'machine', [ActorKind.SYSTEM]: 'system' };
