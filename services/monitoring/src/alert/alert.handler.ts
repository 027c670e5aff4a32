import { Injectable } from '@nestjs/common';
import { streamName } from '@vitae/event-store';
import { Ledger, type ViewTransaction } from '@vitae/service-kit';
import { conclusion, type Conclusion } from '../conclusion.handler.ts';
import { alert, type AlertCommand } from './alert.ts';
import { projectAlert } from './alerts.view.ts';

/** Appends what happens to alerts, in the transaction of what made it happen. */
@Injectable()
export class AlertHandler {
  constructor(private readonly ledger: Ledger) {}

  async within(tx: ViewTransaction, command: AlertCommand, why: Conclusion): Promise<void> {
    const { alertId, endpointId, modelId } = command;
    const subjects = [`model:${modelId}`, `endpoint:${endpointId}`, `alert:${alertId}`];
    if (command.type === 'RaiseAlert') subjects.push(`model-version:${command.modelVersionId}`, `baseline:${command.baselineId}`);
    await this.ledger.handleWithin(
      tx,
      alert,
      { stream: streamName(alert.category, alertId), command, context: conclusion(why), subjects },
      (inner, events) => projectAlert(inner.em, events),
    );
  }
}
