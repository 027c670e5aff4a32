// Who can log in at the local provider. Pure: names, mail and groups. What a group may do, the grants file says.

export interface Persona {
  readonly id: string;
  readonly name: string;
  /** As the page says it: "Continue as Dana, data scientist". */
  readonly does: string;
  readonly role: string;
}

export const personas = [
  { id: 'olivia', name: 'Olivia Brandt', does: 'business owner', role: 'business-owner' },
  { id: 'rosa', name: 'Rosa Lindqvist', does: 'risk officer', role: 'risk-officer' },
  { id: 'dana', name: 'Dana Okafor', does: 'data scientist', role: 'data-scientist' },
  { id: 'emil', name: 'Emil Novak', does: 'ML engineer', role: 'ml-engineer' },
  { id: 'mira', name: 'Mira Castellano', does: 'model validator', role: 'validator' },
  { id: 'pat', name: 'Pat Janssen', does: 'platform engineer', role: 'platform-engineer' },
  { id: 'audrey', name: 'Audrey Moreau', does: 'auditor', role: 'auditor' },
  { id: 'ada', name: 'Ada Haddad', does: 'administrator', role: 'administrator' },
] as const satisfies readonly Persona[];

export type PersonaId = (typeof personas)[number]['id'];

export const personaOf = (id: string): Persona | undefined => personas.find((persona) => persona.id === id);

/** Named apart from the role (`data-scientists` may what `data-scientist` may), so that nothing works by equal names alone. */
export const groupOf = ({ role }: Persona): string => `${role}s`;

export const emailOf = ({ id }: Persona): string => `${id}@vitae.example`;

/** What the grants file of a first start says: each persona's group has its role, each service's client is a service. */
export function firstGrants(clientIds: readonly string[]): object {
  const people = personas.map((persona) => ({ group: groupOf(persona), role: persona.role, projects: ['*'] }));
  const services = clientIds.map((client) => ({ client, role: 'service', projects: ['*'] }));
  return { grants: [...people, ...services] };
}
