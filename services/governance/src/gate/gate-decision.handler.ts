import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { canonicalJson, type GateDecided } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { caughtUp, type CommandContext, CONFIG, Consumers, Ledger } from '@vitae/service-kit';
import { v7 as uuid } from 'uuid';
import { actorKinds } from '../actor-kinds.ts';
import type { GovernanceConfig } from '../config.ts';
import { notJudgeable } from '../lifecycle/referenced-versions.view.ts';
import { lifecycleCore } from '../policy-set/lifecycle-core.ts';
import { policySetHash } from '../policy-set/policy-set.ts';
import { personBehind } from '../person-behind.ts';
import { sha256 } from '../sha256.handler.ts';
import { assembleGateInput, positionsOf } from './assemble-gate-input.ts';
import { projectDecisions } from './decisions.view.ts';
import { gateDecision, type DecideGate } from './gate-decision.ts';
import { gateFacts } from './gate-facts.view.ts';
import type { GateQuestion } from './gate-question.ts';
import { concerned, gateSubject } from './gate-subject.ts';

export class ForGateDecision extends Command<Handled<GateDecided>> {
  constructor(
    readonly gate: string,
    readonly question: GateQuestion,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForGateDecision)
export class GateDecisionHandler implements ICommandHandler<ForGateDecision> {
  constructor(
    private readonly ledger: Ledger,
    private readonly consumers: Consumers,
    @Inject(CONFIG) private readonly config: GovernanceConfig,
  ) {}

  async execute({ gate, question, context }: ForGateDecision): Promise<Handled<GateDecided>> {
    await caughtUp(this.consumers);
    const { projectId, actor, occurredAt } = context;
    // What is read and what is decided on it commit together.
    return this.ledger.together(context, async (tx) => {
      const facts = await gateFacts(tx.em, projectId, { gate, ...question }, new Date(occurredAt));
      if (!facts) throw await notJudgeable(tx.em, projectId, question.modelVersionId);
      const asked = { at: occurredAt, actor: { id: actor.id, kind: actorKinds.nameOf(actor.kind) }, asker: personBehind(actor) ?? actor.id };
      const input = canonicalJson(assembleGateInput(facts, asked, sha256));
      const decisionId = uuid();
      const command: DecideGate = {
        type: 'DecideGate',
        decisionId,
        subject: gateSubject(facts, sha256),
        requestedBy: asked.asker,
        input,
        inputHash: sha256(input),
        positions: positionsOf(facts),
        policies: lifecycleCore,
        policySetHash: policySetHash(lifecycleCore.policySet, sha256),
        permit: { permitId: uuid(), expiresAt: new Date(Date.parse(occurredAt) + this.config.VITAE_PERMIT_MINUTES * 60_000).toISOString() },
      };
      const subjects = [...concerned(facts), `decision:${decisionId}`];
      return this.ledger.handleWithin(tx, gateDecision, { stream: streamName(gateDecision.category, decisionId), command, context, subjects }, projectDecisions);
    });
  }
}
