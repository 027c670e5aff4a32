import type { PiiClassName } from '../pii-class.ts';
import { isBsn, isCardNumber, isDni, isIban, isNir, isPesel, isSsn } from './check-digits.ts';
import { nameHints } from './column-name-hints.ts';

/** What a column looks like, with what was counted; never a value. */
export interface Suggestion {
  readonly column: string;
  readonly piiClass: Exclude<PiiClassName, 'none'>;
  readonly detector: string;
  /** 0 of 0 when the name says it. */
  readonly sampled: number;
  readonly matched: number;
}

/** How many different values of a column are looked at, and how much of each. */
export const SAMPLED_VALUES = 500;
export const SAMPLED_CHARACTERS = 256;

interface Detector {
  readonly name: string;
  readonly piiClass: Suggestion['piiClass'];
  readonly finds: (value: string) => boolean;
  /** The share of the values that must match: small where chance finds next to none, large where it finds one in ten. */
  readonly share: number;
  /** And how many at least. */
  readonly atLeast: number;
}

const EMAIL = /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,6}\.[A-Za-z]{2,24}/;
const OCTET = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
/** With a gap, or whole: a time of day has neither. */
const IPV6 = /^(?=.*::|([0-9A-Fa-f]*:){7}[0-9A-Fa-f]+$)[0-9A-Fa-f:]{3,39}$/;
/** With something in it that makes it a phone number, and no date or plain number. */
const PHONE = /^(?!\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}$|\d+\.\d+$)(\+|00|\(?0)[\d ()/.-]{6,24}$/;
const HEALTH = /\b(diabet\w*|cancer|krebs|hiv|aids|depress\w*|asthma|epilep\w*|hepatitis|schizophren\w*|tuberculosis|dialysis|chemotherapy|pregnan\w*|schwanger\w*)\b/i;
const RELIGION = /^(catholic|roman catholic|protestant|orthodox|muslim|islam|jewish|judaism|hindu|hinduism|buddhist|buddhism|sikh|atheist|katholisch|evangelisch|muslimisch|judisch|jüdisch|catholique|musulman|juif|catolico|católico)$/i;

const DETECTORS: readonly Detector[] = [
  { name: 'health-words', piiClass: 'special', finds: (value) => HEALTH.test(value), share: 0.05, atLeast: 2 },
  { name: 'religion-words', piiClass: 'special', finds: (value) => RELIGION.test(value.trim()), share: 0.2, atLeast: 2 },
  { name: 'email', piiClass: 'personal', finds: (value) => value.includes('@') && EMAIL.test(value), share: 0.01, atLeast: 1 },
  { name: 'iban', piiClass: 'personal', finds: isIban, share: 0.05, atLeast: 1 },
  { name: 'card-number', piiClass: 'personal', finds: isCardNumber, share: 0.6, atLeast: 3 },
  { name: 'ip-address', piiClass: 'personal', finds: (value) => IPV4.test(value.trim()) || IPV6.test(value.trim()), share: 0.5, atLeast: 3 },
  { name: 'phone', piiClass: 'personal', finds: (value) => PHONE.test(value.trim()) && value.replaceAll(/\D/g, '').length >= 7 && /[ ()/.+-]/.test(value.trim()), share: 0.5, atLeast: 3 },
  { name: 'dni', piiClass: 'personal', finds: isDni, share: 0.5, atLeast: 2 },
  { name: 'nir', piiClass: 'personal', finds: isNir, share: 0.5, atLeast: 2 },
  { name: 'ssn', piiClass: 'personal', finds: isSsn, share: 0.5, atLeast: 2 },
  { name: 'pesel', piiClass: 'personal', finds: isPesel, share: 0.6, atLeast: 5 },
  { name: 'bsn', piiClass: 'personal', finds: isBsn, share: 0.6, atLeast: 5 },
];

/**
 * What a column looks like by its name and by different values of it; the strictest first, the name's word before that of
 * the values. It errs on the side of asking: a person confirms.
 */
export function suggest(column: string, values: readonly string[]): readonly Suggestion[] {
  const sampled = values.length;
  const said = nameHints(column).map((hint): Suggestion => ({ column, ...hint, sampled: 0, matched: 0 }));
  const found = DETECTORS.flatMap(({ name, piiClass, finds, share, atLeast }): readonly Suggestion[] => {
    const matched = values.filter(finds).length;
    return matched >= atLeast && matched >= share * sampled ? [{ column, piiClass, detector: name, sampled, matched }] : [];
  });
  return [...said, ...found].sort((a, b) => Number(b.piiClass === 'special') - Number(a.piiClass === 'special'));
}
