import type { Link, LinkEvent } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';

/** Takes from governance which accounts are one human; everything else is passed over. Of no project: it is so in all. */
export async function projectLinks({ sql }: ViewTransaction, { event: message }: RecordedEvent): Promise<void> {
  const event = message as LinkEvent;
  switch (event.$typeName) {
    case 'vitae.governance.v1.PeopleLinked':
      await sql.query('insert into linked_account (id, one, other) values ($1, $2, $3) on conflict do nothing', [event.linkId, ...event.people]);
      return;
    case 'vitae.governance.v1.PeopleUnlinked':
      await sql.query('delete from linked_account where id = $1', [event.linkId]);
  }
}

/** Every link that holds, as far as the registry has heard: an installation has dozens. */
export async function linksOf(sql: Sql): Promise<readonly Link[]> {
  const rows = await sql.query<{ one: string; other: string }>('select one, other from registry.linked_account order by id');
  return rows.map(({ one, other }) => [one, other]);
}
