import { newSigner, parseVerifierKey, signerFrom, type Signer, type StoredEvent } from './index.ts';

export const ORIGIN = 'vitae.test/ledger/one';
/** A fixed key, so that the bytes of a log are the same in each run. */
export const signer: Signer = signerFrom('PRIVATE+KEY+vitae.test/ledger/one+d3155618+AZbBoOXvHlkqWeYFcJLNAeW3odIQI8t+u87gNTtdgcue');
export const keys = [parseVerifierKey(signer.verifierKey)];
/** Another key of the same name. */
export const stranger: Signer = newSigner(ORIGIN);

/** An event as the ledger holds it; the same for the same number. */
export function storedEvent(i: number, more: Partial<StoredEvent> = {}): StoredEvent {
  const id = `0199aaaa-0000-7000-8000-${String(i).padStart(12, '0')}`;
  const metadata = { actor: { id: i % 2 === 0 ? 'dana' : 'olivia', kind: 'ACTOR_KIND_HUMAN' }, correlationId: `c-${i}`, occurredAt: '2026-11-21T10:59:59Z', reason: 'a "spec"' };
  return {
    id,
    stream: `registry.Model-${id}`,
    revision: 1,
    type: 'vitae.registry.v1.ModelRegistered',
    projectId: 'credit',
    subjects: [`model:${id}`, 'use-case:u-1'],
    payload: JSON.stringify({ modelId: id, name: `Modèle ${i}` }),
    metadata: JSON.stringify(metadata),
    recordedAt: `2026-11-21T11:00:00.${String(i % 1_000_000).padStart(6, '0')}Z`,
    ...more,
  };
}

export const storedEvents = (count: number): StoredEvent[] => Array.from({ length: count }, (_, i) => storedEvent(i));
