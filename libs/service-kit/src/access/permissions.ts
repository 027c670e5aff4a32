/**
 * Who may do what: the one table. The guard, the OpenAPI documents, the table in the documentation and the walk over every
 * route with every role are made of it. Nothing is allowed that does not stand here.
 */

/** What a person or a machine is in a project, or in all of them. Grants give roles (`grants.ts`). */
export const ROLES = {
  viewer: 'reads',
  'data-scientist': 'makes data, models and evaluations',
  'ml-engineer': 'makes models, brings them into development and staging, watches them',
  'business-owner': 'owns use cases, approves for the business',
  validator: 'judges models before they are approved; approves for model risk',
  'risk-officer': 'decides on use cases, data and retirements; approves for model risk',
  'platform-engineer': 'runs environments, endpoints and rollouts everywhere',
  auditor: 'reads everything but what people wrote, takes evidence out',
  administrator: 'manages access; has no say in what is approved',
  service: "one of Vitae's own services, calling another",
} as const;
export type Role = keyof typeof ROLES;

export const ENVIRONMENT_CLASSES = ['development', 'staging', 'production'] as const;
export type EnvironmentClass = (typeof ENVIRONMENT_CLASSES)[number];

export interface PermissionRule {
  /** What it is good for, as the documentation has it. */
  readonly says: string;
  readonly roles: readonly Role[];
  /** A role that has it in environments of these classes only. */
  readonly only?: Readonly<Partial<Record<Role, readonly EnvironmentClass[]>>>;
  /** A person must have logged in within the last 15 minutes (step-up authentication, RFC 9470). */
  readonly recentLogin?: true;
  /** To use it is told in the ledger. */
  readonly audited?: true;
  /** For people only: no API token can carry it. */
  readonly peopleOnly?: true;
}

const makers = ['data-scientist', 'ml-engineer'] as const;
const judges = ['validator', 'risk-officer'] as const;
const readers = ['viewer', ...makers, 'business-owner', ...judges, 'platform-engineer', 'auditor', 'administrator', 'service'] as const;
const people = ['viewer', ...makers, 'business-owner', ...judges, 'platform-engineer', 'auditor', 'administrator'] as const;
const decision = { recentLogin: true, peopleOnly: true } as const;

export const PERMISSIONS = {
  // Registry
  'registry.read': { says: 'read models, versions, data, evaluations, lineage, and fetch their files', roles: readers },
  'model.register': { says: 'register models and versions, upload their files', roles: makers },
  'model.change': { says: 'describe, tag, deprecate and rename models and versions, set their aliases (a protected alias: who is named in its protection)', roles: [...makers, 'validator'] },
  'model.delete': { says: 'delete and restore models and versions', roles: ['ml-engineer', 'platform-engineer'] },
  'model.purge': { says: 'destroy the files of a deleted version for good', roles: ['platform-engineer', 'administrator'] },
  'alias.protect': { says: 'say who may move an alias', roles: [...judges, 'ml-engineer', 'platform-engineer'] },
  'run.track': { says: 'track experiments, runs and logged models', roles: makers },
  'dataset.register': { says: 'register dataset versions, describe, assess and deprecate them, say what is expected of them', roles: makers },
  'dataset.classify': { says: 'say how sensitive data are, on what basis and for what they may be used', roles: [...makers, ...judges] },
  'dataset.quarantine': { says: 'put data into quarantine', roles: [...makers, ...judges, 'platform-engineer'] },
  'dataset.release': { says: 'lift a quarantine', roles: [...makers, ...judges], ...decision },
  'dataset.erase': { says: 'destroy the rows of a dataset version', roles: ['risk-officer', 'administrator'], ...decision },
  'evaluation.run': { says: 'evaluate and compare versions, draft evaluation suites', roles: [...makers, 'validator'] },
  'evaluation.report': { says: 'report results measured elsewhere', roles: [...makers, 'validator'] },
  'evaluation.invalidate': { says: 'take an evaluation out of what counts', roles: [...makers, ...judges] },
  'suite.publish': { says: 'publish an evaluation suite, with its thresholds', roles: [...judges, 'business-owner'] },
  'card.write': { says: 'write, submit and publish model cards', roles: [...makers, 'validator'] },
  'card.review': { says: 'approve or return a model card (never of what one has written)', roles: [...judges, ...makers] },
  'component.write': { says: 'write prompts, draft guardrails and tools, compose AI systems', roles: makers },
  'component.publish': { says: 'publish, deprecate and retire guardrails, tools and AI systems', roles: ['ml-engineer', 'validator'] },
  'lineage.declare': { says: 'declare and withdraw links of lineage, send OpenLineage events', roles: makers },
  'signing-trust.manage': { says: 'say whose signatures count, and whether one is required', roles: ['platform-engineer', 'administrator'] },

  // Governance
  'governance.read': { says: 'read use cases, policies, approvals, decisions, incidents, retirements', roles: readers },
  'use-case.draft': { says: 'draft and submit use cases', roles: ['business-owner', ...makers] },
  'use-case.decide': { says: 'approve or reject use cases (never of one\'s own)', roles: ['risk-officer', 'business-owner'], ...decision },
  'approval.request': { says: 'open approval cases', roles: [...makers, 'business-owner', 'platform-engineer', 'validator'] },
  'approval.business-owner': { says: 'approve for the business', roles: ['business-owner'], ...decision },
  'approval.model-risk': { says: 'approve for model risk', roles: judges, ...decision },
  'approval.delegated': { says: 'approve in the place of somebody who delegated it, and in no role of one\'s own', roles: ['business-owner', ...judges, ...makers, 'platform-engineer'], ...decision },
  'delegation.give': { says: 'let somebody approve in one\'s place, for a while', roles: ['business-owner', ...judges], ...decision },
  'delegation.revoke': { says: 'end a delegation that one gave or has; an administrator any', roles: ['business-owner', ...judges, 'administrator'], peopleOnly: true },
  'gate.ask': { says: 'ask a gate for a decision', roles: [...makers, ...judges, 'business-owner', 'platform-engineer'] },
  'incident.close': { says: 'close incidents, with cause and lesson', roles: ['ml-engineer', 'risk-officer', 'platform-engineer'] },
  'retirement.propose': { says: 'propose that a version is retired', roles: [...makers, 'business-owner', 'platform-engineer'] },
  'retirement.approve': { says: 'approve a retirement (never of one\'s own)', roles: [...judges, 'business-owner'], ...decision },

  // Deployment
  'deployment.read': { says: 'read environments, endpoints, variants, rollouts', roles: readers },
  'environment.manage': { says: 'register environments', roles: ['platform-engineer'] },
  'endpoint.create': { says: 'create endpoints', roles: ['ml-engineer', 'platform-engineer'], only: { 'ml-engineer': ['development', 'staging'] } },
  'rollout.start': { says: 'add variants and start rollouts', roles: ['ml-engineer', 'platform-engineer'], only: { 'ml-engineer': ['development', 'staging'] } },
  'rollout.roll-back': { says: 'roll back', roles: ['ml-engineer', 'platform-engineer', 'risk-officer'] },

  // Serving and monitoring
  'model.infer': { says: 'ask served models', roles: [...makers, 'business-owner', 'validator', 'platform-engineer'] },
  'serving.route': { says: 'change what the runtime serves', roles: ['service'] },
  'monitoring.read': { says: 'read windows, verdicts, alerts, evidence of rollouts', roles: readers },
  'baseline.set': { says: 'set baselines', roles: [...makers, 'validator'] },
  'ground-truth.report': { says: 'report what the right answers were', roles: [...makers, 'business-owner', 'platform-engineer'] },
  'inference.log': { says: 'send logged inferences', roles: [...makers, 'platform-engineer', 'service'] },

  // Ledger
  'history.read': { says: 'read and follow events and what was true when', roles: readers },
  'history.read-all': { says: 'read and follow what happened in all projects', roles: ['auditor', 'risk-officer', 'platform-engineer', 'administrator', 'service'], audited: true },
  // Not told: a log that grew by being read could not be followed to its end.
  'log.read': { says: "mirror and verify the ledger's log: entries, events, proofs of all projects", roles: ['auditor', 'risk-officer', 'platform-engineer', 'administrator', 'service'] },
  'personal-text.read': { says: 'read what people wrote in their own words', roles: ['viewer', ...makers, 'business-owner', ...judges, 'platform-engineer', 'administrator', 'service'], audited: true },
  'evidence.export': { says: 'take evidence out', roles: ['auditor', ...judges, 'business-owner', 'administrator'] },
  'subscription.manage': { says: 'manage webhooks', roles: ['ml-engineer', 'platform-engineer', 'administrator'] },
  'erasure.read': { says: 'see which erasures were asked for and done, and preview one', roles: ['risk-officer', 'administrator', 'auditor'] },
  'erasure.request': { says: 'ask that what a person wrote is erased', roles: ['risk-officer', 'administrator'], ...decision },
  'erasure.decide': { says: 'approve or refuse an erasure that somebody else asked for, hold one for legal reasons', roles: ['risk-officer', 'administrator'], ...decision },
  'log-key.rotate': { says: "change the key that signs the ledger's checkpoints", roles: ['platform-engineer', 'administrator'], ...decision },

  // Access
  'person.read': { says: 'see who is behind a pseudonym', roles: people, audited: true },
  'person.link': { says: 'say that two accounts are one human', roles: ['administrator'], ...decision },
  'token.make': { says: 'make, list and revoke API tokens of one\'s own', roles: people, peopleOnly: true },
  'token.manage': { says: 'list and revoke API tokens of everybody', roles: ['administrator'], peopleOnly: true },
  'token.introspect': { says: 'ask what an API token is good for (RFC 7662)', roles: ['service'] },
  'self.read': { says: 'see who one is and what one may do', roles: readers },
} as const satisfies Record<string, PermissionRule>;

export type Permission = keyof typeof PERMISSIONS;

export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as readonly Permission[];

export const ruleOf = (permission: Permission): PermissionRule => PERMISSIONS[permission];

/** Whether a role has a permission; with a class, in environments of that class; without, in one class at least. */
export function roleMay(role: Role, permission: Permission, environmentClass?: string): boolean {
  const { roles, only } = ruleOf(permission);
  if (!roles.includes(role)) return false;
  const classes = only?.[role];
  return classes === undefined || environmentClass === undefined || (classes as readonly string[]).includes(environmentClass);
}

/** A person's login counts as recent for this long, in seconds. */
export const RECENT_LOGIN_S = 15 * 60;
