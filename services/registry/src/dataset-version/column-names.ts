import { refuse } from './refusals.ts';
import { MAX_COLUMNS } from './registration.ts';

const MAX_NAME = 128;
const CONTROLS = /\p{Cc}/u;

/**
 * The column names of a CSV, as its first record gives them (RFC 4180: comma, double quotes, UTF-8).
 *
 * @param start the file's beginning, decoded; MUST hold the whole first record.
 * @throws Refused DATASET_UNREADABLE, DATASET_TOO_WIDE.
 */
export function csvHeader(start: string): readonly string[] {
  const names: string[] = [];
  let field = '';
  let quoted = false;
  const text = start.replace(/^\ufeff/, '');
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i] ?? '';
    if (quoted && character === '"' && text[i + 1] === '"') {
      field += '"'; // a quote within quotes is written twice
      i += 1;
    } else if (quoted && character === '"') {
      quoted = false;
    } else if (quoted) {
      field += character;
    } else if (character === '"' && field === '') {
      quoted = true;
    } else if (character === ',') {
      names.push(field);
      field = '';
    } else if (character === '\n' || character === '\r') {
      break;
    } else {
      field += character;
    }
  }
  if (quoted) throw refuse('DATASET_UNREADABLE', 'Line 1 of the CSV opens a quote that it does not close. The first line must name the columns; correct it and upload the file again.');
  return acceptable([...names, field]);
}

/** The names, if data can be spoken of by them: not empty, not twice (whatever their case), not too many. */
export function acceptable(names: readonly string[]): readonly string[] {
  if (names.length > MAX_COLUMNS) {
    throw refuse('DATASET_TOO_WIDE', `The data have ${names.length} columns; a version has at most ${MAX_COLUMNS}. Leave out columns that no model uses, or store them as one.`);
  }
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (name.trim() === '') throw unnamed(i, 'has no name');
    if (CONTROLS.test(name) || name.includes('\ufffd')) throw unnamed(i, 'has a name with unprintable characters; is this really UTF-8 text');
    if (name.length > MAX_NAME) throw unnamed(i, `has a name longer than ${MAX_NAME} characters`);
    if (seen.has(name.toLowerCase())) throw unnamed(i, `is named ${name}, as another column is (upper and lower case count as the same)`);
    seen.add(name.toLowerCase());
  }
  return names;
}

const unnamed = (index: number, fault: string): Error =>
  refuse('DATASET_UNREADABLE', `Column ${index + 1} ${fault}. Give every column a name of its own in the first line, and upload the file again.`);
