import type { Sql } from '@vitae/event-store';
import { everyProject } from '@vitae/service-kit';

// Bytes are kept once, whichever projects need them: who asks whether they may go has to look at all of them.

/** Whether any version that may serve, other than this one, keeps a file with these bytes. */
export async function stillUsed(sql: Sql, digest: string, otherThan: string): Promise<boolean> {
  const rows = await everyProject(() => sql.query(
    `select 1 from registry.model_version where state <> 'purged' and state <> 'retired' and id <> $2 and files @> jsonb_build_array(jsonb_build_object('digest', $1::text)) limit 1`,
    [digest, otherThan],
  ));
  return rows.length > 0;
}

/** Which of these bytes something other than this version (of a model or a dataset) needs: a version that is not purged, in use or in the archive, of any model; data; or a run or a logged model. */
export async function neededElsewhere(sql: Sql, digests: readonly string[], otherThan: string): Promise<readonly string[]> {
  const rows = await everyProject(() => sql.query<{ digest: string }>(
    `select d.digest from unnest($1::text[]) as d (digest)
     where exists (select from registry.model_version v where v.state <> 'purged' and v.id <> $2 and v.files @> jsonb_build_array(jsonb_build_object('digest', d.digest)))
        or exists (select from registry.dataset_version s where s.digest = d.digest and s.erasure is null and s.id <> $2)
        or exists (select from registry.logged_file l where l.digest = d.digest)`,
    [digests, otherThan],
  ));
  return rows.map(({ digest }) => digest);
}

/**
 * Keeps these bytes from being removed (`keep`), or from being registered (`remove`), until the transaction ends: whoever
 * comes second sees what the first one did.
 */
export async function lockBytes(sql: Sql, digests: readonly string[], what: 'keep' | 'remove'): Promise<void> {
  const lock = what === 'keep' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
  for (const digest of [...new Set(digests)].sort()) await sql.query(`select ${lock}(hashtextextended($1, 0))`, [`registry.bytes/${digest}`]);
}
