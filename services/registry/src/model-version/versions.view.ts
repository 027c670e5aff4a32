import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sqlOf, type Page } from '@vitae/service-kit';
import type { SearchQuery } from '../request.ts';
import { demanded, parseFilter, type Filter } from '../search/filter.ts';
import { search, type PageWish } from '../search/search.view.ts';
import { STAGES } from './model-version-command.ts';
import { SEARCHABLE, SHOWN, type ModelVersionShown } from './shown-version.view.ts';
import { ModelVersionRow } from './version-rows.view.ts';

/** Questions about model versions, each within one project. */
@Injectable()
export class ModelVersions {
  constructor(private readonly em: EntityManager) {}

  async byId(projectId: string, id: string, deleted: 'hide' | 'show' = 'hide'): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model_version v join registry.model m on m.id = v.model_id where v.project_id = $1 and v.id = $2 and ${SEARCHABLE.deleted[deleted]}`,
      [projectId, id],
    );
    return row;
  }

  async byAlias(projectId: string, modelId: string, alias: string): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model_alias n join registry.model_version v on v.id = n.model_version_id join registry.model m on m.id = v.model_id
       where v.project_id = $1 and n.model_id = $2 and n.alias = $3 and ${SEARCHABLE.deleted.hide}`,
      [projectId, modelId, alias],
    );
    return row;
  }

  /** The id of that version of the model of that name, neither deleted: for commands, which look at the rest themselves. */
  async idOf(projectId: string, modelName: string, version: number): Promise<string | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<{ id: string }>(
      `select v.id from registry.model m join registry.model_version v on v.model_id = m.id where m.project_id = $1 and m.name = $2 and v.version = $3 and ${SEARCHABLE.deleted.hide}`,
      [projectId, modelName, version],
    );
    return row?.id;
  }

  /** That version of the model of that name, neither deleted. */
  async byName(projectId: string, modelName: string, version: number): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model m join registry.model_version v on v.model_id = m.id where m.project_id = $1 and m.name = $2 and v.version = $3 and ${SEARCHABLE.deleted.hide}`,
      [projectId, modelName, version],
    );
    return row;
  }

  async byNumber(projectId: string, modelId: string, version: number): Promise<ModelVersionShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN} from registry.model_version v join registry.model m on m.id = v.model_id where v.project_id = $1 and v.model_id = $2 and v.version = $3 and ${SEARCHABLE.deleted.hide}`,
      [projectId, modelId, version],
    );
    return row;
  }

  /** The newest version of each of these models in each of MLflow's stages that it has one in. */
  newestByStage(projectId: string, modelIds: readonly string[]): Promise<readonly ModelVersionShown[]> {
    return sqlOf(this.em.fork()).query<ModelVersionShown>(
      `select ${SHOWN}
       from unnest($2::uuid[]) as asked (id) join registry.model m on m.id = asked.id and m.project_id = $1
       cross join unnest($3::text[]) as s (stage)
       cross join lateral (select * from registry.model_version v where v.model_id = m.id and v.stage = s.stage and v.deleted_at is null order by (-v.version) limit 1) v`,
      [projectId, modelIds, STAGES],
    );
  }

  /** The version that has this artefact and is not deleted. */
  byArtefact(projectId: string, modelId: string, artefactDigest: string): Promise<ModelVersionRow | null> {
    return this.em.fork().findOne(ModelVersionRow, { projectId, modelId, artefactDigest, deletedAt: null });
  }

  /**
   * A page of the versions that a filter matches, of one model or of all. Where the filter names the model, that is looked up
   * first: a known model's id is what lets PostgreSQL walk an index in the wished order, however many versions it has.
   * @throws Refused FILTER_MALFORMED, ORDER_MALFORMED, CURSOR_MALFORMED.
   */
  search(projectId: string, query: SearchQuery, modelId?: string): Promise<Page<ModelVersionShown>> {
    return this.matching(projectId, parseFilter(query.filter, SEARCHABLE.fields), query, modelId);
  }

  /** The same for a filter that was read already. */
  async matching(projectId: string, filter: Filter | undefined, query: PageWish, modelId?: string): Promise<Page<ModelVersionShown>> {
    const named = demanded(filter, 'name');
    const ids = modelId === undefined ? named === undefined ? undefined : await this.#modelsNamed(projectId, named) : [modelId];
    if (ids?.length === 0) return { items: [] };
    return search<ModelVersionShown>(
      this.em,
      SEARCHABLE,
      { projectId, query, filter, only: (parameter) => (ids ? `v.model_id = ${ids.length === 1 ? `${parameter(ids[0])}::uuid` : `any(${parameter(ids)}::uuid[])`}` : 'true') },
      ({ where, sorted, place }) => `
        select ${SHOWN}, ${place} as place
        from (
          select v.id from registry.model_version v join registry.model m on m.id = v.model_id
          where v.project_id = $1 and ${where} order by ${sorted} limit $2
        ) page
        join registry.model_version v on v.id = page.id join registry.model m on m.id = v.model_id
        order by ${sorted}`,
    );
  }

  /** More than one when some of them are deleted. */
  async #modelsNamed(projectId: string, name: string): Promise<readonly string[]> {
    const rows = await sqlOf(this.em.fork()).query<{ id: string }>('select id from registry.model where project_id = $1 and name = $2', [projectId, name]);
    return rows.map(({ id }) => id);
  }
}
