import type { Person } from './api.ts';

/** Who acts in the story. Nobody approves what they built or asked for. */
export const olivia: Person = { name: 'olivia', does: 'business owner of consumer credit' };
export const rosa: Person = { name: 'rosa', does: 'risk officer' };
export const dana: Person = { name: 'dana', does: 'data scientist' };
export const emil: Person = { name: 'emil', does: 'ML engineer' };
export const mira: Person = { name: 'mira', does: 'model risk validator' };
export const pat: Person = { name: 'pat', does: 'platform engineer' };
export const audrey: Person = { name: 'audrey', does: 'auditor' };

export const cast: readonly Person[] = [olivia, rosa, dana, emil, mira, pat, audrey];
