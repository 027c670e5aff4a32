import { z } from 'zod';

/** An endpoint's name: also the model name of the Open Inference Protocol. */
export const endpointName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'An endpoint is 1 to 63 lower-case letters, digits and hyphens, and starts with a letter or digit.');

export const RoutedVariant = z.strictObject({
  variantId: z.uuid(),
  modelVersionId: z.uuid(),
  version: z.int().positive(),
  /** Per cent of the endpoint's requests. */
  weight: z.int().min(0).max(100),
  /** Where the ONNX file is, and the SHA-256 that it must have. */
  artefactUrl: z.url({ protocol: /^https?$/ }),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'A digest is sha256: and 64 hexadecimal digits.'),
});
export type RoutedVariant = z.infer<typeof RoutedVariant>;

/** The whole wish for one endpoint: which variants are loaded, and how its requests are split between them. */
export const Route = z
  .strictObject({
    projectId: z.string().min(1).max(63),
    endpointId: z.uuid(),
    variants: z.array(RoutedVariant).max(16),
  })
  .refine(({ variants }) => new Set(variants.map(({ variantId }) => variantId)).size === variants.length, {
    path: ['variants'],
    error: 'A variant is named twice.',
  })
  .refine(({ variants }) => [0, 100].includes(variants.reduce((sum, { weight }) => sum + weight, 0)), {
    path: ['variants'],
    error: 'The weights of the variants must add up to 100, or all be 0 while nothing serves.',
  });
export type Route = z.infer<typeof Route>;

/** What the runtime remembers over a restart. */
export const RouteDocument = z.strictObject({
  format: z.literal('vitae-routes/1'),
  endpoints: z.record(endpointName, Route),
});
export type RouteDocument = z.infer<typeof RouteDocument>;

/**
 * The life of a variant in the runtime:
 *
 *   loading ──► ready ──► (taken from the route, last request answered) ──► gone
 *      └──────► failed ──► loading again now and then, as long as the route has it
 */
export type VariantState = 'loading' | 'ready' | 'failed';

export interface ObservedVariant {
  readonly variantId: string;
  readonly state: VariantState;
  /** Why it is not ready. */
  readonly reason?: string;
  /** As routed; a variant that is not ready gets no requests whatever its weight. */
  readonly weight: number;
}

export interface ObservedEndpoint {
  readonly endpointName: string;
  readonly endpointId: string;
  readonly projectId: string;
  readonly variants: readonly ObservedVariant[];
}

/** Whether two routes load the same variant from the same bytes, so that it can stay in memory as it is. */
export const sameVariant = (a: RoutedVariant, b: RoutedVariant): boolean =>
  a.variantId === b.variantId && a.digest === b.digest && a.modelVersionId === b.modelVersionId && a.version === b.version;
