import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { InProject, Ledger, Needs } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { peopleOf, type PersonItem } from './people.view.ts';

const peopleQuery = z.strictObject({
  ids: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'expected pseudonyms as events name them, separated by commas')).max(100)),
});

/** Who pseudonyms are. The one place that tells names; everywhere else there are pseudonyms. */
@ApiTags('people')
@Controller('v1/people')
@Needs('person.read')
@InProject('any')
export class PeopleController {
  constructor(private readonly ledger: Ledger) {}

  @Get()
  async people(@Query({ schema: peopleQuery }) { ids }: z.infer<typeof peopleQuery>, @Res({ passthrough: true }) res: Response): Promise<{ items: readonly PersonItem[] }> {
    res.set('Cache-Control', 'no-store');
    return { items: await peopleOf(this.ledger.sql, ids) };
  }
}
