import { PiiClass } from '@vitae/contracts';

export const PII_CLASSES = { none: PiiClass.NONE, personal: PiiClass.PERSONAL, special: PiiClass.SPECIAL } as const;
export type PiiClassName = keyof typeof PII_CLASSES;

export const PII_NAMES: Readonly<Record<PiiClass, PiiClassName>> = {
  [PiiClass.UNSPECIFIED]: 'none',
  [PiiClass.NONE]: 'none',
  [PiiClass.PERSONAL]: 'personal',
  [PiiClass.SPECIAL]: 'special',
};

/** The strictest of the classes: that of data which have such columns. */
export const strictestOf = (classes: Iterable<PiiClass>): PiiClass => [...classes].reduce<PiiClass>((strictest, one) => Math.max(strictest, one), PiiClass.NONE);
