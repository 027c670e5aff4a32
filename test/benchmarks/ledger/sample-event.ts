import { create } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema, AiActClass, eventToJson, RiskTier, UseCaseDraftedSchema, type UseCaseDrafted } from '@vitae/contracts';
import { metadataOf, type Attribution } from '@vitae/event-store';

/** One event, in the form that each system takes: all of them are given the same bytes. */
export interface SampleEvent {
  readonly message: UseCaseDrafted;
  readonly payload: string;
  /** What `payload` says, parsed: for a system that takes objects and prints them itself. */
  readonly data: Record<string, unknown>;
}

export const attribution: Attribution = {
  projectId: 'bench',
  actor: create(ActorSchema, { id: 'olivia', kind: ActorKind.HUMAN }),
  reason: 'small loans',
  occurredAt: '2026-11-21T11:00:00.123Z',
  correlationId: '0199c2f0-51a3-7bd2',
  causationId: '',
  traceparent: '',
};

export const SUBJECTS: readonly string[] = ['use-case:bench'];

/** An event's metadata, as our append stores it. */
export const METADATA: string = metadataOf(attribution);

let attributed = 0;

/** With a correlation id of its own, of the same length: each append is a command of its own. */
export const nextAttribution = (): Attribution => ({ ...attribution, correlationId: String(attributed++).padStart(attribution.correlationId.length, '0') });

/** What metadataOf makes of it, and quicker. */
export const metadataWith = ({ correlationId }: Attribution): string => METADATA.replace(attribution.correlationId, correlationId);

/** Of one size: about 420 bytes of payload, and 150 of metadata. Made once, so that no run pays for making them. */
export const SAMPLES: readonly SampleEvent[] = Array.from({ length: 1_000 }, (_, i) => {
  const message = create(UseCaseDraftedSchema, {
    useCaseId: `0199c2f0-51a3-7bd2-8000-${String(i).padStart(12, '0')}`,
    title: 'Decide small consumer loans',
    objective: 'Find applicants who will not repay a loan',
    kpis: [{ name: 'default rate', unit: '%', baseline: 24.6, target: 19 }],
    owner: 'olivia',
    dataAvailability: '1,000 decided loans',
    resources: 'one data scientist for a month or so',
    purpose: 'credit-scoring',
    riskTier: RiskTier.HIGH,
    aiActClass: AiActClass.HIGH_RISK,
  });
  const payload = eventToJson(message);
  return { message, payload, data: JSON.parse(payload) as Record<string, unknown> };
});

let taken = 0;

/** The next `count` samples, round and round. */
export function samples(count: number): readonly SampleEvent[] {
  return Array.from({ length: count }, () => SAMPLES[taken++ % SAMPLES.length] as SampleEvent);
}

/** Bytes of JSON in one event: payload and metadata. */
export const SAMPLE_BYTES: { readonly payload: number; readonly metadata: number } = {
  payload: Buffer.byteLength((SAMPLES[0] as SampleEvent).payload),
  metadata: Buffer.byteLength(METADATA),
};
