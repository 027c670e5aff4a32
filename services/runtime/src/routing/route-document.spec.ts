import { describe, expect, it } from '@jest/globals';
import { Route, sameVariant, type RoutedVariant } from './route-document.ts';

const variant = (weight: number, n = 1): RoutedVariant => ({
  variantId: `01990000-0000-7000-8000-00000000000${n}`,
  modelVersionId: '01990000-0000-7000-8000-0000000000aa',
  version: n,
  weight,
  artefactUrl: 'http://127.0.0.1:7401/v1/projects/credit/artefacts/x',
  digest: `sha256:${'a'.repeat(64)}`,
});
const route = (...variants: unknown[]) => ({ projectId: 'credit', endpointId: '01990000-0000-7000-8000-0000000000ee', variants });
const faults = (value: unknown) => Route.safeParse(value).error?.issues.map(({ message, path }) => `${path.join('.')}: ${message}`);

describe('Route', () => {
  it('has weights that add up to 100, or none at all', () => {
    expect(faults(route(variant(90, 1), variant(10, 2)))).toBeUndefined();
    expect(faults(route(variant(0)))).toBeUndefined();
    expect(faults(route())).toBeUndefined();
    expect(faults(route(variant(90, 1), variant(20, 2)))).toEqual(['variants: The weights of the variants must add up to 100, or all be 0 while nothing serves.']);
  });

  it('names no variant twice', () => {
    expect(faults(route(variant(50), variant(50)))).toEqual(['variants: A variant is named twice.']);
  });

  it.each([
    ['an unknown field', { ...variant(100), mirror: true }],
    ['a digest that is none', { ...variant(100), digest: 'sha256:abc' }],
    ['a file address', { ...variant(100), artefactUrl: 'file:///etc/passwd' }],
    ['a fraction of a per cent', { ...variant(100), weight: 0.5 }],
  ])('refuses %s', (_fault, value) => {
    expect(faults(route(value))).not.toBeUndefined();
  });
});

describe('sameVariant', () => {
  it('holds when only weight or address changed', () => {
    expect(sameVariant(variant(10), { ...variant(50), artefactUrl: 'http://other' })).toBe(true);
    expect(sameVariant(variant(10), { ...variant(10), digest: `sha256:${'b'.repeat(64)}` })).toBe(false);
  });
});
