import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sqlOf } from '../database.ts';
import { BriefMemory } from './brief-memory.ts';
import type { Account } from './principal-of.ts';

/** So long an answer is kept. After an erasure a person may act as the old pseudonym for as long; it is nobody's name any more. */
const KEEP_MS = 60_000;
const MOST = 10_000;

/** Who somebody is in events: a random id, and nothing that could be looked up without the table `access.person`. */
@Injectable()
export class People {
  readonly #memory = new BriefMemory<string>(KEEP_MS, MOST);

  constructor(private readonly em: EntityManager) {}

  /** The pseudonym of the person with this account; made when the account is seen for the first time. */
  pseudonymOf({ issuer, subject, name, mail }: Account): Promise<string> {
    const values = [issuer, subject, name, mail];
    return this.#memory.ask(JSON.stringify(values), async () => {
      const [row] = await sqlOf(this.em.fork({ useContext: false })).query<{ id: string }>('select access.pseudonym_of($1, $2, $3, $4) as id', values);
      if (!row) throw new Error('access.pseudonym_of answered nothing');
      return row.id;
    });
  }
}
