import { v5 } from 'uuid';

const NAMESPACE = '0199a000-7654-7000-8000-766974616521';

/**
 * The id of what can only be once, derived from what makes it one: two who make it at the same time meet in one stream,
 * where the expected revision decides. MUST NOT change: stored streams carry such ids.
 */
export const namedId = (kind: 'policy-set' | 'approval-case' | 'retirement' | 'linked-accounts', name: string): string => v5(`${kind}/${name}`, NAMESPACE);
