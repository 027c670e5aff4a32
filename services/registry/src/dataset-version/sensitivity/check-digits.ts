// Numbers that carry their own proof. Each takes a text and says whether it is such a number, spaces and separators left out.

const compact = (text: string): string => text.replaceAll(/[\s.-]/g, '');
const weighed = (digits: string, weights: readonly number[]): number => weights.reduce((sum, weight, i) => sum + weight * Number(digits[i]), 0);

/** The remainder of a number as long as you like, given as digits. */
const remainder = (digits: string, divisor: number): number => [...digits].reduce((rest, digit) => (rest * 10 + Number(digit)) % divisor, 0);

/** ISO 13616: the country and its two check digits go to the end, letters become numbers, and 1 is left of 97. */
export function isIban(text: string): boolean {
  const iban = compact(text).toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false;
  const moved = iban.slice(4) + iban.slice(0, 4);
  return remainder(moved.replaceAll(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55)), 97) === 1;
}

/** ISO/IEC 7812: 13 to 19 digits, of a card scheme that is given out, with Luhn's check digit. */
export function isCardNumber(text: string): boolean {
  const digits = compact(text);
  if (!/^(3|4|5|6|2[2-7])\d{12,18}$/.test(digits) || digits.length > 19) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const doubled = i % 2 === 1 ? Number(digit) * 2 : Number(digit);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

/** Spain: DNI, and NIE with a letter in front. */
export function isDni(text: string): boolean {
  const [, first = '', rest = '', letter = ''] = /^([XYZ]|\d)(\d{7})([A-Z])$/.exec(compact(text).toUpperCase()) ?? [];
  return letter !== '' && 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(`${'XYZ'.includes(first) ? 'XYZ'.indexOf(first) : first}${rest}`) % 23] === letter;
}

/** The Netherlands: nine digits that pass the test of eleven. */
export function isBsn(text: string): boolean {
  const digits = compact(text);
  return /^\d{9}$/.test(digits) && digits !== '000000000' && weighed(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0;
}

/** France: thirteen characters that begin with sex, year and month, and a key of two digits. */
export function isNir(text: string): boolean {
  const nir = compact(text).toUpperCase();
  if (!/^[12]\d{2}(0[1-9]|1[0-2]|[2-9]\d)(\d{2}|2[AB])\d{6}\d{2}$/.test(nir)) return false;
  const number = nir.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - remainder(number, 97) === Number(nir.slice(13));
}

/** Poland: eleven digits that begin with the date of birth. */
export function isPesel(text: string): boolean {
  const digits = compact(text);
  if (!/^\d{2}([02468][1-9]|[13579][0-2])([0-2]\d|3[01])\d{5}$/.test(digits)) return false;
  return (10 - (weighed(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(digits[10]);
}

/** The United States: only as it is written, for it has no check digit. */
export const isSsn = (text: string): boolean => /^(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}$/.test(text.trim());
