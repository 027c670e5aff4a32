import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { because, type CommandContext, Context, created, etag, Needs, pageQuery, Problem, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { decisionById, decisionOf, decisions } from './decisions.view.ts';
import { ForGateDecision } from './gate-decision.handler.ts';
import { gateQuestion, type GateQuestion } from './gate-question.ts';
import { knownGate } from './gate-subject.ts';

const decisionsQuery = pageQuery.extend({ modelVersionId: z.uuid().optional() });
const id = z.uuid();

/** The gate's answers. A denial is an answer like any other: recorded, with what is missing. */
@ApiTags('gates')
@Controller('v1/projects/:projectId')
@Needs('governance.read')
export class GateDecisionController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  /** 201 whether the answer is allow or deny; only allow comes with a permit. */
  @Post('gates/:gate/decisions')
  @Needs('gate.ask')
  async decide(
    @Param('gate') gate: string,
    @Body({ schema: gateQuestion }) question: GateQuestion,
    @Context() context: CommandContext,
    @Res({ passthrough: true }) res: Response,
  ) {
    const asked = because(context, `asked whether the version may go to ${question.environment.name}`);
    const handled = await this.bus.execute(new ForGateDecision(knownGate(gate), question, asked));
    const [decided] = handled.events;
    if (!decided) throw new Error(`a decision at ${gate} gave no event`);
    const decision = decisionOf(decided);
    return created(res, handled, `/v1/projects/${context.projectId}/decisions/${decision.id}`, decision);
  }

  @Get('decisions')
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: decisionsQuery }) { modelVersionId, ...page }: z.infer<typeof decisionsQuery>) {
    return decisions(this.em, project, modelVersionId, page);
  }

  @Get('decisions/:id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) decisionId: string, @Res({ passthrough: true }) res: Response) {
    const found = await decisionById(this.em, project, decisionId);
    if (!found) throw new Problem(404, 'decision-not-found', 'Decision not found', `There is no decision ${decisionId} in this project. List them at /decisions.`);
    res.set('ETag', etag(found.revision));
    return found;
  }
}
