import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sqlOf } from '@vitae/service-kit';
import { ArtefactStore, type StoredArtefact } from './artefact.store.ts';

/**
 * The bytes that a project has brought. Those of all projects are kept once, under their digest; a digest is no secret, so
 * it opens nothing in a project that never had the bytes themselves.
 */
@Injectable()
export class ProjectArtefacts {
  constructor(
    private readonly em: EntityManager,
    private readonly artefacts: ArtefactStore,
  ) {}

  /**
   * MUST come after the bytes are kept, and before anybody is told so.
   * @returns whether they are new to the project; that another one had them is not said.
   */
  async add(projectId: string, digest: string): Promise<boolean> {
    const rows = await sqlOf(this.em.fork()).query('insert into registry.project_artefact (project_id, digest) values ($1, $2) on conflict do nothing returning 1', [projectId, digest]);
    return rows.length > 0;
  }

  /** What is known of the bytes; undefined when they are not here, or the project has never brought them. */
  async find(projectId: string, digest: string): Promise<StoredArtefact | undefined> {
    const rows = await sqlOf(this.em.fork()).query('select 1 from registry.project_artefact where project_id = $1 and digest = $2', [projectId, digest]);
    return rows.length === 0 ? undefined : this.artefacts.find(digest);
  }
}
