import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { HistoryItem } from './history-item.ts';
import { changesBetween } from './state-diff.ts';
import { documentOf, NOTHING, withEvent } from './stream-state.ts';

const item = (index: number, type: string, payload: Readonly<Record<string, unknown>>): HistoryItem => ({
  envelope: {
    id: `e${index}`, stream: 'x.Y-1', revision: String(index + 1), index: String(index), type, projectId: 'credit', subjects: [],
    actor: { id: 'dana', kind: 'ACTOR_KIND_HUMAN' }, occurredAt: '2026-01-01T00:00:00Z', recordedAt: '2026-01-01T00:00:00.000000Z',
  },
  payload,
});
const ENDPOINT = '0199a000-0000-7000-8000-00000000000e';
const VARIANT = '0199a000-0000-7000-8000-00000000000a';
const deployed = (index: number, variantId = VARIANT) =>
  item(index, 'vitae.deployment.v1.VariantDeployed', { endpointId: ENDPOINT, variant: { variantId, version: 2, modelVersionId: ENDPOINT }, permitId: ENDPOINT });
const fold = (items: readonly HistoryItem[]) => items.reduce(withEvent, NOTHING);

describe('the state of a stream', () => {
  it('has each field as the last event said it, zeros as well', () => {
    const started = item(0, 'vitae.deployment.v1.RolloutAdvanced', { rolloutId: 'r', endpointId: 'e', step: 2, weight: 50, evidence: { judgementId: 'j' } });
    const again = item(1, 'vitae.deployment.v1.RolloutAdvanced', { rolloutId: 'r', endpointId: 'e', weight: 10 });
    expect(documentOf(fold([started, again]))).toEqual({ rolloutId: 'r', endpointId: 'e', step: 0, weight: 10, evidence: null, lastEvent: 'RolloutAdvanced' });
  });

  it('keeps the parts of an aggregate apart', () => {
    const other = '0199a000-0000-7000-8000-00000000000b';
    const failed = item(2, 'vitae.deployment.v1.VariantFailed', { endpointId: ENDPOINT, variantId: other, reason: 'out of memory' });
    const state = documentOf(fold([deployed(0), deployed(1, other), failed]));
    expect(state).toMatchObject({ variants: { [VARIANT]: { lastEvent: 'VariantDeployed', permitId: ENDPOINT }, [other]: { lastEvent: 'VariantFailed', reason: 'out of memory' } } });
    expect(state).not.toHaveProperty('reason');
  });

  it('takes what a newer build wrote as it is written', () => {
    expect(documentOf(fold([item(0, 'vitae.future.v9.Done', { what: 1 }), item(1, 'vitae.future.v9.Undone', { why: 'x' })]))).toEqual({ what: 1, why: 'x', lastEvent: 'Undone' });
  });
});

describe('the difference between two points of a stream', () => {
  it('names each field that changed, from what to what, and the event that did it', () => {
    const renamed = item(5, 'vitae.deployment.v1.VariantDeployed', { endpointId: ENDPOINT, variant: { variantId: VARIANT, version: 3, modelVersionId: ENDPOINT }, permitId: ENDPOINT });
    expect(changesBetween([deployed(0), renamed], 0)).toEqual([{ path: `/variants/${VARIANT}/variant/version`, old: 2, new: 3, index: 5 }]);
  });

  it('is empty between a point and itself, and for what changed and changed back', () => {
    const weight = (index: number, value: number) => item(index, 'vitae.future.v1.Weighed', { weight: value });
    expect(changesBetween([deployed(0)], 0)).toEqual([]);
    expect(changesBetween([weight(0, 1), weight(1, 2), weight(2, 1)], 0)).toEqual([]);
  });

  it('leads, applied to the older document, to the newer one', () => {
    const names = ['a', 'b', 'c/d', 'e~f'];
    const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('x', ''), fc.array(fc.nat(2), { maxLength: 2 }), fc.dictionary(fc.constantFrom('p', 'q'), fc.nat(2)));
    const payloads = fc.array(fc.dictionary(fc.constantFrom(...names), value), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(payloads, fc.nat(7), (some, at) => {
        const items = some.map((payload, index) => item(index, 'vitae.future.v1.Said', payload));
        const from = Math.min(at, items.length - 1);
        const document = structuredClone(documentOf(fold(items.slice(0, from + 1)))) as Record<string, unknown>;
        for (const change of changesBetween(items, from)) apply(document, change);
        expect(document).toEqual(documentOf(fold(items)));
      }),
    );
  });
});

function apply(document: Record<string, unknown>, change: { readonly path: string; readonly new?: unknown }): void {
  const steps = change.path.slice(1).split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop() as string;
  const at = steps.reduce((within, step) => within[step] as Record<string, unknown>, document);
  if ('new' in change) at[last] = change.new;
  else delete at[last];
}
