import { describe, expect, it } from '@jest/globals';
import { isBsn, isCardNumber, isDni, isIban, isNir, isPesel, isSsn } from './check-digits.ts';
import { nameHints } from './column-name-hints.ts';
import { suggest } from './suggest.ts';

describe('Numbers with check digits', () => {
  // The published examples of each scheme, and the same with one digit changed.
  it.each([
    [isIban, ['GB82 WEST 1234 5698 7654 32', 'DE89370400440532013000', 'fr1420041010050500013m02606'], ['GB82WEST12345698765433', 'DE8937040044053201300', 'DE']],
    [isCardNumber, ['4111 1111 1111 1111', '5555-5555-5555-4444', '378282246310005'], ['4111111111111112', '1234567890123', '9999999999999995', '4'.repeat(20)]],
    [isDni, ['12345678Z', 'X1234567L'], ['12345678A', '1234567Z']],
    [isBsn, ['111222333'], ['111222334', '000000000', '11122233']],
    [isNir, ['2 55 08 14 168 025 38'], ['255081416802539', '355081416802538']],
    [isPesel, ['44051401359'], ['44051401358', '44991401359']],
    [isSsn, ['123-45-6789'], ['000-45-6789', '123456789', '666-45-6789']],
  ])('%p knows its own', (is, good, bad) => {
    expect(good.filter((text) => !is(text))).toEqual([]);
    expect(bad.filter((text) => is(text))).toEqual([]);
  });
});

describe('A column name', () => {
  it.each([
    ['geburtsDatum', 'birth-name'],
    ['date_of_birth', 'birth-name'],
    ['E-Mail', 'email-name'],
    ['Straße', 'address-name'],
    ['prénom', 'person-name'],
    ['customer_id', 'person-id-name'],
    ['nationalité', 'nationality-name'],
    ['ICD10', 'health-name'],
    ['religion', 'religion-name'],
    ['codice_fiscale', 'national-id-name'],
  ])('%s speaks of persons', (name, detector) => expect(nameHints(name).map((hint) => hint.detector)).toContain(detector));

  it.each(['amount', 'duration', 'credit_history', 'savings', 'wage', 'page', 'stage', 'sextant', 'x', 'id', 'split', 'bad_credit', 'email_count_is_not_a_word_of_its_own'.slice(0, 3)])('%s does not', (name) => expect(nameHints(name)).toEqual([]));
});

describe('What values look like', () => {
  const many = (make: (i: number) => string): string[] => Array.from({ length: 100 }, (_, i) => make(i));
  const found = (values: readonly string[]) => suggest('c', values).map(({ detector, sampled, matched }) => [detector, matched, sampled]);
  it.each<[string, string[], unknown[]]>([
    ['addresses of mail, even one in a hundred', ['write to a.b@example.org', ...many((i) => `note ${i}`).slice(1)], [['email', 1, 100]]],
    ['account numbers', ['DE89370400440532013000', 'GB82WEST12345698765432', ...many((i) => `x${i}`).slice(0, 8)], [['iban', 2, 10]]],
    ['IP addresses', many((i) => `10.0.${i}.1`), [['ip-address', 100, 100]]],
    ['IPv6 addresses', many((i) => `2001:db8::${i}`), [['ip-address', 100, 100]]],
    ['phone numbers', many((i) => `+49 30 1234${100 + i}`), [['phone', 100, 100]]],
    ['diagnoses', ['diabetes type 2', 'asthma', 'none'], [['health-words', 2, 3]]],
    ['religions', ['catholic', 'muslim', 'none'], [['religion-words', 2, 3]]],
    ['amounts', many((i) => String(1000 + 37 * i)), []],
    ['dates', many((i) => `2024-01-${String((i % 28) + 1).padStart(2, '0')}`), []],
    ['times', many((i) => `12:${String(i % 60).padStart(2, '0')}:00`), []],
    ['fractions', many((i) => `0.${i}1234567`), []],
    ['long numbers, of which one in ten has a right check digit', many((i) => String(4_000_000_000_000_000 + i)), []],
    ['nothing at all', [], []],
  ])('%s', (_, values, expected) => expect(found(values)).toEqual(expected));

  it('holds no value, and names the strictest first', () => {
    const suggestions = suggest('email', ['diabetes', 'cancer', 'a@example.org']);
    expect(suggestions.map(({ piiClass, detector }) => [piiClass, detector])).toEqual([['special', 'health-words'], ['personal', 'email-name'], ['personal', 'email']]);
    expect(JSON.stringify(suggestions)).not.toMatch(/example\.org|diabetes/);
  });
});
