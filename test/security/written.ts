import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What is wrong with what the services wrote to their logs: a secret stands there (K1), or something that came with a request has
 * broken out of its line or brought an escape sequence (L3). @param secrets as they were sent and made.
 */
export async function logFaults(directory: string, secrets: ReadonlySet<string>): Promise<readonly (readonly [what: string, faults: readonly string[]])[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.log'));
  const found: string[] = [];
  const broken: string[] = [];
  for (const name of names) {
    const lines = (await readFile(join(directory, name), 'utf8')).split('\n');
    lines.forEach((line, at) => {
      for (const secret of secrets) if (line.includes(secret)) found.push(`${name}:${at + 1} has a secret: ${line.slice(0, 300).replaceAll(secret, '[it]')}`);
      if (/[\x00-\x08\x0b-\x1f\x7f\x9b]/.test(line)) broken.push(`${name}:${at + 1} has a control character: ${JSON.stringify(line.slice(0, 300))}`);
      else if (isOurs(name) && line !== '' && !isJson(line)) broken.push(`${name}:${at + 1} is no line of JSON: ${line.slice(0, 300)}`);
    });
  }
  return [
    [`${names.length} logs hold none of the ${secrets.size} secrets`, names.length > 0 && secrets.size > 0 ? found : ['there is nothing to look at']],
    ['each line of the services’ logs is one JSON object, without control characters', broken],
  ];
}

/** PostgreSQL, NATS and the OpenID provider write as they do. */
const isOurs = (name: string): boolean => !/^(postgres|nats|identity)/.test(name);

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}
