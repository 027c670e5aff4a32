import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction, violates } from '@vitae/service-kit';
import { causeOf, type Cause } from '../cause.ts';
import { endpointRefused, type EndpointEvent } from './endpoint.ts';
import type { Wish } from './reconcile.ts';

export const EndpointRow = defineEntity({
  name: 'EndpointRow',
  tableName: 'endpoint',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    name: p.text(),
    environmentId: p.uuid(),
    environment: p.text(),
    modelId: p.uuid(),
    createdAt: p.datetime(),
    revision: p.integer(),
  },
});
export type EndpointRow = InferEntity<typeof EndpointRow>;

export const VariantRow = defineEntity({
  name: 'VariantRow',
  tableName: 'variant',
  properties: {
    id: p.uuid().primary(),
    endpointId: p.uuid(),
    projectId: p.text().hidden(),
    modelVersionId: p.uuid(),
    version: p.integer(),
    artefactDigest: p.text(),
    files: p.json<readonly { readonly path: string; readonly digest: string }[]>(),
    state: p.text().$type<'deploying' | 'ready' | 'failed' | 'removed'>(),
    reason: p.text().nullable(),
    weight: p.integer(),
    leaving: p.boolean(),
    permitId: p.uuid().nullable(),
    decisionId: p.uuid().nullable(),
    deployedAt: p.datetime(),
    cause: p.json<Cause>().hidden(),
  },
});
export type VariantRow = InferEntity<typeof VariantRow>;

/** @throws Refused ENDPOINT_NAME_TAKEN. */
export async function projectEndpoints({ em }: ViewTransaction, events: readonly RecordedEvent<EndpointEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, projectId, occurredAt, revision } = recorded;
    const { endpointId } = event;
    const cause = causeOf(recorded);
    switch (event.$typeName) {
      case 'vitae.deployment.v1.EndpointCreated': {
        const { name, environmentId, environment, modelId } = event;
        const row = { id: endpointId, projectId, name, environmentId, environment, modelId, createdAt: new Date(occurredAt), revision };
        await em.upsert(EndpointRow, row, { onConflictFields: ['id'] }).catch((error: unknown) => {
          throw violates(error, 'endpoint_name')
            ? endpointRefused('ENDPOINT_NAME_TAKEN', `There is an endpoint named ${name} already. The name is the model name under which the runtime serves it, one for all projects. Choose another name.`)
            : error;
        });
        break;
      }
      case 'vitae.deployment.v1.VariantDeployed': {
        if (!event.variant) break;
        const { variantId: id, modelVersionId, version, artefactDigest, files } = event.variant;
        await em.upsert(VariantRow, {
          id, endpointId, projectId, modelVersionId, version, artefactDigest, cause,
          files: files.map(({ path, digest }) => ({ path, digest })),
          state: 'deploying', reason: null, weight: 0, leaving: false,
          permitId: event.permitId || null,
          decisionId: event.decisionId || null,
          deployedAt: new Date(occurredAt),
        });
        break;
      }
      case 'vitae.deployment.v1.VariantReady':
        await em.nativeUpdate(VariantRow, { id: event.variantId }, { state: 'ready', reason: null, cause });
        break;
      case 'vitae.deployment.v1.VariantFailed':
        await em.nativeUpdate(VariantRow, { id: event.variantId }, { state: 'failed', reason: event.reason, cause });
        break;
      case 'vitae.deployment.v1.TrafficShifted':
        await em.nativeUpdate(VariantRow, { endpointId }, { weight: 0 });
        for (const { variantId, weight } of event.weights) await em.nativeUpdate(VariantRow, { id: variantId, endpointId }, { weight });
        break;
      case 'vitae.deployment.v1.VariantRemoved':
        await em.nativeUpdate(VariantRow, { id: event.variantId }, { state: 'removed', weight: 0, leaving: false });
        break;
      case 'vitae.deployment.v1.DeploymentRefused':
        break;
    }
    await em.nativeUpdate(EndpointRow, { id: endpointId }, { revision });
  }
}

export async function endpoints(em: EntityManager, projectId: string, { limit, after }: PageQuery): Promise<Page<EndpointRow>> {
  const rows = await em.find(EndpointRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  return pageOf(rows, limit);
}

export const endpointById = (em: EntityManager, projectId: string, id: string): Promise<EndpointRow | null> => em.findOne(EndpointRow, { id, projectId });

/** All that are or were at the endpoint, in the order of their deployment. */
export const variantsOf = (em: EntityManager, endpointId: string): Promise<VariantRow[]> => em.find(VariantRow, { endpointId }, { orderBy: { id: 'asc' } });

/** An endpoint's wish, with what its variants are made of and the causes of what is done about it. */
export interface EndpointWish extends Wish {
  readonly endpointId: string;
  readonly projectId: string;
  readonly name: string;
  readonly modelId: string;
  readonly revision: number;
  readonly variants: readonly (Wish['variants'][number] & { readonly modelVersionId: string; readonly files: readonly { readonly path: string; readonly digest: string }[]; readonly cause: Cause })[];
  readonly rollout: (NonNullable<Wish['rollout']> & { readonly cause: Cause }) | undefined;
}

/** What is wished for at every endpoint of the local driver: one statement, so one moment. */
export async function wishes(sql: Sql): Promise<EndpointWish[]> {
  const rows = await sql.query<Omit<EndpointWish, 'rollout'> & { readonly rollout: EndpointWish['rollout'] | null }>(
    `select e.id as "endpointId", e.project_id as "projectId", e.name, e.model_id as "modelId", e.revision,
       coalesce(
         (select json_agg(json_build_object(
            'variantId', v.id, 'modelVersionId', v.model_version_id, 'version', v.version, 'state', v.state,
            'weight', v.weight, 'leaving', v.leaving, 'files', v.files, 'cause', v.cause) order by v.id)
          from deployment.variant v where v.endpoint_id = e.id and v.state <> 'removed'), '[]') as variants,
       (select json_build_object(
          'rolloutId', r.id, 'state', r.state, 'weight', r.weight, 'stableVariantId', r.stable_variant_id,
          'candidateVariantId', r.candidate_variant_id, 'cause', r.cause)
        from deployment.rollout r where r.endpoint_id = e.id order by r.id desc limit 1) as rollout
     from deployment.endpoint e join deployment.environment n on n.id = e.environment_id
     where n.driver = 'local' order by e.id`,
  );
  return rows.map((row) => ({ ...row, rollout: row.rollout ?? undefined }));
}
