import type { Sql } from '@vitae/event-store';
import type { Pinning } from '../model/model.ts';

/** Which versions of AI systems, of those that are not retired, are made of a model version, or of any version of a model. */
export function pinningsOf(sql: Sql, of: { readonly modelVersionId: string } | { readonly modelId: string }): Promise<readonly Pinning[]> {
  const [column, id] = 'modelId' in of ? ['v.model_id', of.modelId] : ['v.id', of.modelVersionId];
  return sql.query<Pinning>(
    `select distinct s.name as "aiSystemName", a.version as "aiSystemVersion", v.version
     from registry.model_version v
     join registry.ai_system_pin p on p.component_id = v.id and p.kind in ('model-version', 'prompt-version')
     join registry.ai_system_version a on a.id = p.ai_system_version_id and a.state <> 'retired'
     join registry.ai_system s on s.id = a.ai_system_id
     where ${column} = $1 order by 1, 2, 3 limit 20`,
    [id],
  );
}
