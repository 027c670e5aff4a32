import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import type { SigningKey, SigningTrustEvent } from './signing-trust.ts';

export interface TrustedSigningKey extends SigningKey {
  readonly trustedAt: string;
  readonly trustedBy: string;
}

export const SigningTrustRow = defineEntity({
  name: 'SigningTrustRow',
  tableName: 'signing_trust',
  properties: {
    projectId: p.text().primary(),
    stream: p.text(),
    revision: p.integer(),
    required: p.boolean(),
    keys: p.json<readonly TrustedSigningKey[]>(),
  },
});
export type SigningTrustRow = InferEntity<typeof SigningTrustRow>;

export async function projectSigningTrust({ em }: ViewTransaction, events: readonly RecordedEvent<SigningTrustEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { projectId, stream, revision } = recorded;
    const before = await em.findOne(SigningTrustRow, { projectId });
    if (before && before.revision >= revision) continue;
    await em.upsert(SigningTrustRow, { projectId, stream, revision, ...after(before ?? { required: false, keys: [] }, recorded) });
  }
}

function after({ required, keys }: Pick<SigningTrustRow, 'required' | 'keys'>, { event, recordedAt, actor }: RecordedEvent<SigningTrustEvent>): Pick<SigningTrustRow, 'required' | 'keys'> {
  switch (event.$typeName) {
    case 'vitae.registry.v1.SigningKeyTrusted': {
      const { signingKeyId, pem, name, subject } = event;
      const method = event.method as SigningKey['method']; // the contract allows only these two
      return { required, keys: [...keys, { signingKeyId, method, pem, name, subject, trustedAt: new Date(recordedAt).toISOString(), trustedBy: actor.id }] };
    }
    case 'vitae.registry.v1.SigningKeyDistrusted':
      return { required, keys: keys.filter(({ signingKeyId }) => signingKeyId !== event.signingKeyId) };
    case 'vitae.registry.v1.ModelSignaturesRequired':
      return { required: true, keys };
    case 'vitae.registry.v1.ModelSignaturesNotRequired':
      return { required: false, keys };
  }
}

/** The project's trust, which stays as it is until the transaction ends. */
export async function heldTrust(sql: Sql, projectId: string): Promise<Pick<SigningTrustRow, 'required' | 'keys'>> {
  const [row] = await sql.query<{ required: boolean; keys: readonly TrustedSigningKey[] }>('select required, keys from registry.signing_trust where project_id = $1 for share', [projectId]);
  return row ?? { required: false, keys: [] };
}

@Injectable()
export class SigningTrusts {
  constructor(private readonly em: EntityManager) {}

  of(projectId: string): Promise<SigningTrustRow | null> {
    return this.em.fork().findOne(SigningTrustRow, { projectId });
  }
}
