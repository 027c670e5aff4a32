import { z } from 'zod';

/** What a gate is asked, for approvals and for decisions alike. The one gate there is leads to production, so nothing else fits it. */
export const gateQuestion = z.strictObject({
  modelVersionId: z.uuid(),
  environment: z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 lower-case letters, digits and hyphens'),
    class: z.literal('production', 'the gate promote-production is for environments of class production; other classes need no permit'),
    region: z.string().trim().min(1).max(63),
  }),
});
export type GateQuestion = z.infer<typeof gateQuestion>;
