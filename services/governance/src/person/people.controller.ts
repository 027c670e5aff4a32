import { Body, Controller, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { InProject, Ledger, Needs } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { findPeople, peopleOf, type PersonItem } from './people.view.ts';

const peopleQuery = z.strictObject({
  ids: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'expected pseudonyms as events name them, separated by commas')).max(100)),
});
// Three letters at least: to look somebody up, and not to leaf through everybody.
const wanted = z.string().trim().min(3).max(256);
const searchBody = z.union([z.strictObject({ mail: wanted }), z.strictObject({ name: wanted })]);

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

/** The way back. Asked of the whole installation: who has a part in some projects looks nobody up. */
@ApiTags('people')
@Controller('v1/people/search')
@Needs('person.read')
export class PeopleSearchController {
  constructor(private readonly ledger: Ledger) {}

  /**
   * Who is called so, or has this mail, whole or as far as it is given: for who files an erasure and has no pseudonym. At most 20.
   * In a body, since what stands in an address ends up in logs.
   */
  @Post()
  @HttpCode(200)
  async search(@Body({ schema: searchBody }) body: z.infer<typeof searchBody>, @Res({ passthrough: true }) res: Response): Promise<{ items: readonly PersonItem[] }> {
    res.set('Cache-Control', 'no-store');
    return { items: await ('mail' in body ? findPeople(this.ledger.sql, 'mail', body.mail) : findPeople(this.ledger.sql, 'name', body.name)) };
  }
}
