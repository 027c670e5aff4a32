import { Injectable } from '@nestjs/common';
import { streamName } from '@vitae/event-store';
import { Ledger, type ViewTransaction } from '@vitae/service-kit';
import { WindowState, type WindowJudged } from '@vitae/contracts';
import { v7 as uuid } from 'uuid';
import type { AlertCommand } from '../alert/alert.ts';
import { AlertHandler } from '../alert/alert.handler.ts';
import { describe, noMemory, remember, type DriftMemory } from '../alert/drift-memory.ts';
import type { ActiveBaseline } from '../baseline/baselines.view.ts';
import { conclusion } from '../conclusion.handler.ts';
import type { Step } from '../inference/exchange.ts';
import { emptyWindow, fillWindows, type FullWindow } from './filling.ts';
import { summaryOf, window } from './window.ts';
import { progressOf, projectWindow, saveProgress, storeSummary } from './windows.view.ts';

/** Counts rows into an endpoint's window; a full one is judged, and what it leads to is appended, all in the rows' own transaction. */
@Injectable()
export class WindowHandler {
  constructor(
    private readonly ledger: Ledger,
    private readonly alerts: AlertHandler,
  ) {}

  /** The baseline's endpoint MUST be locked. */
  async count(tx: ViewTransaction, baseline: ActiveBaseline, steps: readonly Step[]): Promise<void> {
    const progress = await progressOf(tx.sql, baseline.baselineId);
    let memory = progress?.memory ?? noMemory;
    const { full, open } = fillWindows(baseline.reference, progress?.open ?? emptyWindow(baseline.reference, 1), steps);
    for (const counted of full) memory = await this.#close(tx, baseline, counted, memory);
    await saveProgress(tx.sql, baseline.baselineId, { open, memory });
  }

  async #close(tx: ViewTransaction, baseline: ActiveBaseline, counted: FullWindow, memory: DriftMemory): Promise<DriftMemory> {
    const { projectId, endpointId, baselineId, modelId, reference } = baseline;
    const windowId = uuid();
    const summaryDigest = await storeSummary(tx.sql, projectId, summaryOf(baselineId, reference, counted));
    const versions = counted.versions.map(([id]) => `model-version:${id}`).slice(0, MOST_VERSION_SUBJECTS);
    const { events } = await this.ledger.handleWithin(
      tx,
      window,
      {
        stream: streamName(window.category, windowId),
        command: { type: 'JudgeWindow', windowId, endpointId, baselineId, modelId, reference, window: counted, summaryDigest },
        context: conclusion({ projectId, reason: `Window ${counted.number} of the endpoint has its ${counted.rows} rows.`, correlationId: windowId, causationId: '' }),
        subjects: [`model:${modelId}`, `endpoint:${endpointId}`, `baseline:${baselineId}`, ...versions],
      },
      async (inner, judged) => {
        for (const event of judged) await projectWindow(inner.em, event);
      },
    );
    const [judged] = events;
    if (!judged) throw new Error(`window ${windowId} was judged before it was full`);
    const { memory: after, command } = remember(memory, judged.event, reference.rule, uuid());
    if (command) await this.alerts.within(tx, command, { projectId, reason: reasonOf(command, judged.event), correlationId: windowId, causationId: judged.id });
    return after;
  }
}

/** An event may have 32 subjects. */
const MOST_VERSION_SUBJECTS = 20;

function reasonOf(command: AlertCommand, { number, rowCount, state }: WindowJudged): string {
  switch (command.type) {
    case 'RaiseAlert':
      return `${command.windowIds.length} windows up to number ${number} differ from the reference: ${describe(command.findings)}.`;
    case 'WidenAlert':
      return `Window ${number} adds to the open alert: ${describe(command.findings)}.`;
    case 'ClearAlert':
      return `Window ${number} (${rowCount} rows, ${state === WindowState.HEALTHY ? 'healthy' : 'not quite healthy'}) was the last that was needed: every feature of the alert has been calm for long enough.`;
  }
}
