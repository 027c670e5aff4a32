import { Body, Controller, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiCreatedResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { ActorKind } from '@vitae/contracts';
import { because, Context, Ledger, Needs, type CommandContext } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { asOf, resolveAsOf } from '../history/as-of.view.ts';
import { filterQuery } from '../history/event-filter.ts';
import { ForEvidence } from './evidence.handler.ts';
import { EvidencePacks } from './evidence-packs.store.ts';

const names = <Name extends z.ZodType<string>>(name: Name) => z.array(name).max(16, 'expected at most 16').default([]).transform((list) => [...new Set(list)]);
const Export = z
  .strictObject({
    subjects: names(filterQuery.shape.subject.unwrap().max(256)),
    streams: names(z.string().max(256).regex(/^[a-z]+\.[A-Z][A-Za-z]+-[0-9a-z-]+$/, 'expected <service>.<Aggregate>-<id>, for example registry.ModelVersion-0199…')),
    asOf,
    /** Events of a checkpoint that the reader keeps: the pack proves that it continues that one. */
    known: z.int().min(1).optional(),
    /** Who gets the pack, when that is not the actor. */
    recipient: z.string().max(256).default(''),
  })
  .refine(({ subjects, streams }) => subjects.length + streams.length > 0, 'name at least one of subjects and streams');

/** What can be taken home and checked there. */
@ApiTags('evidence')
@Controller('v1/projects/:projectId/evidence')
@Needs('evidence.export')
export class EvidenceController {
  constructor(
    private readonly ledger: Ledger,
    private readonly packs: EvidencePacks,
    private readonly bus: CommandBus,
  ) {}

  /**
   * Makes an evidence pack and answers its bytes, after the ledger has recorded who took what: EvidenceExported, with the
   * SHA-256 of the file. A pack is not kept; ask again for another one.
   */
  @Post()
  @ApiProduces('application/zip')
  @ApiCreatedResponse({ description: 'The pack: a zip that `vitae verify` checks offline. Repr-Digest has its SHA-256, Location the event that records it.' })
  async take(@Context() context: CommandContext, @Body({ schema: Export }) body: z.infer<typeof Export>, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { subjects, streams, known, recipient } = body;
    const { projectId, actor, occurredAt } = context;
    const evidenceId = uuidv7();
    const about = { evidenceId, subjects, streams };
    const point = await resolveAsOf(this.ledger.sql, body.asOf);
    const attributed = because(context, 'Takes evidence out.');
    const made = { at: occurredAt, by: `${ActorKind[actor.kind].toLowerCase()}/${actor.id}`, for: recipient, reason: attributed.reason };
    const { bytes, sha256, ...counts } = await this.packs.make({ ...about, projectId, asOf: point, known, made }, request);
    await this.bus.execute(new ForEvidence({ type: 'ExportEvidence', ...about, ...counts, recipient, asOfIndex: point.index, sha256, sizeBytes: bytes.length }, attributed));

    const name = `${[...subjects, ...streams][0]?.replaceAll(/[^A-Za-z0-9.-]/g, '-') ?? projectId}.vitae-evidence.zip`;
    response.status(201).location(`/v1/projects/${projectId}/events?subject=evidence:${evidenceId}`).set({
      'Content-Type': 'application/zip',
      'Content-Length': String(bytes.length),
      'Content-Disposition': `attachment; filename="${name}"`,
      'Cache-Control': 'no-store', // it may show what people wrote
      'Repr-Digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    });
    response.end(bytes);
  }
}
