import { Refused } from '@vitae/event-store';

/** A piece of a filter or an order, and where it begins (from 1, as people count). */
export interface Token {
  /** `name`: a bare word or one in backticks; `text`: in single or double quotes; `end`: nothing more. */
  readonly is: 'name' | 'text' | 'number' | 'sign' | 'end';
  /** Without quotes. */
  readonly value: string;
  readonly at: number;
  /** Whether it was in backticks: then it is never a keyword. */
  readonly quoted?: boolean;
}

const SIGNS = /^(!=|<=|>=|=|<|>|\(|\)|,|\.)/;
const WORD = /^[A-Za-z_][\w-]*/;
const NUMBER = /^\d+(?![\w.])/;

/** @throws Refused FILTER_MALFORMED, naming the character. */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  if (!source.isWellFormed() || source.includes('\0')) throw filterMalformed(1, 'there are characters in it that are no text');
  for (let index = skipSpace(source, 0); index < source.length; index = skipSpace(source, index)) {
    const at = index + 1;
    const rest = source.slice(index);
    const quote = source[index];
    if (quote === "'" || quote === '"' || quote === '`') {
      const { value, end } = quotedText(source, index, quote);
      tokens.push({ is: quote === '`' ? 'name' : 'text', value, at, quoted: true });
      index = end;
      continue;
    }
    const found = ([['sign', SIGNS], ['number', NUMBER], ['name', WORD]] as const).map(([is, pattern]) => ({ is, value: pattern.exec(rest)?.[0] })).find(({ value }) => value !== undefined);
    if (found?.value === undefined) throw filterMalformed(at, `${JSON.stringify([...rest][0])} has no meaning there`);
    tokens.push({ is: found.is, value: found.value, at });
    index += found.value.length;
  }
  return [...tokens, { is: 'end', value: '', at: source.length + 1 }];
}

function skipSpace(source: string, from: number): number {
  let index = from;
  while (/\s/.test(source[index] ?? '')) index += 1;
  return index;
}

/** A quote that is written twice stands for itself. */
function quotedText(source: string, from: number, quote: string): { readonly value: string; readonly end: number } {
  for (let index = from + 1; index < source.length; index += 1) {
    if (source[index] !== quote) continue;
    if (source[index + 1] !== quote) return { value: source.slice(from + 1, index).replaceAll(quote + quote, quote), end: index + 1 };
    index += 1;
  }
  throw filterMalformed(from + 1, `the ${quote} that opens there is never closed`);
}

export const filterMalformed = (at: number, fault: string): Refused =>
  new Refused('FILTER_MALFORMED', `The filter breaks at character ${at}: ${fault}. It is made of comparisons such as name = 'credit-risk' AND tags.team LIKE 'r%'.`, 422);
