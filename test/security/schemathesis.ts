import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Document } from './documents.ts';
import { checksOff } from './exemptions.ts';

export interface Run {
  /** Of its files. */
  readonly name: string;
  readonly document: Document;
  /** Where the operations are. */
  readonly address: string;
  /** Absent: nobody. */
  readonly token: string | undefined;
  /** Requests that are made up for each operation. */
  readonly examples: number;
  /** Also each border of each schema by itself, methods that are not there, and requests that follow from answers. */
  readonly thorough: boolean;
  readonly seed: number;
}

export interface Outcome {
  readonly operations: number;
  readonly requests: number;
  /** Operations of which something is wrong. */
  readonly faulty: readonly string[];
  /** What the tool says of them. */
  readonly words: string;
}

/** Not `unsupported_method`: an address that does not know a method is told 404 with the way to the documents, as one that is not there. */
const CHECKS = [
  'not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_schema_conformance', 'response_headers_conformance',
  'negative_data_rejection', 'ignored_auth', 'use_after_free', 'missing_required_header',
];

/** How a request may be refused that is not as the document says. Tus asks for its version with 412, and Node for shorter headers with 431. */
const REFUSALS = [400, 401, 403, 404, 405, 406, 409, 411, 412, 413, 415, 416, 422, 428, 431];

/** Attacks one service as one caller, with the tool of that Python. Its files stay in the directory, for who wants to see each request. */
export async function attack(python: string, directory: string, run: Run): Promise<Outcome> {
  const file = (ending: string): string => join(directory, `${run.name}.${ending}`);
  await writeFile(file('toml'), configOf(run));
  await writeFile(file('json'), JSON.stringify(run.document));
  const args = ['--config-file', file('toml'), 'run', file('json'), '--url', run.address, '--report-json-path', file('report.json'), '--no-color', '--generation-database', 'none'];
  // The token goes by the environment: arguments can be read by everybody on the machine.
  const { status, output } = await program(join(dirname(python), 'schemathesis'), args, { ...process.env, VITAE_TOKEN: run.token ?? '' }, directory);
  await writeFile(file('log'), output);
  return outcomeOf(await readFile(file('report.json'), 'utf8').catch(() => ''), status, output);
}

const configOf = ({ token, examples, thorough, seed, document }: Run): string => `
seed = ${seed}
workers = 1
continue-on-failure = true
request-timeout = 20
warnings = false
${token === undefined ? '' : '[auth.openapi]\ntoken = { bearer = "${VITAE_TOKEN}" }\n'}
[generation]
max-examples = ${examples}
no-shrink = true
[phases]
coverage.enabled = ${thorough}
stateful.enabled = ${thorough}
stateful.max-steps = 4
[checks]
enabled = false
${CHECKS.map((check) => `${check}.enabled = true`).join('\n')}
negative_data_rejection.expected-statuses = [${REFUSALS.join(', ')}]
${checksOff(document)}
`;

function program(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<{ status: number | null; output: string }> {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): unknown => child.kill();
  process.once('exit', end); // who breaks the attack off leaves no attacker behind
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      process.off('exit', end);
      resolve({ status, output });
    });
  });
}

/** What of the tool's report is read here. */
interface Report {
  readonly operations: { readonly tested: number };
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly { readonly operations: readonly string[] }[];
  readonly errors: readonly { readonly title: string }[];
}

function outcomeOf(text: string, status: number | null, output: string): Outcome {
  if (text === '') return { operations: 0, requests: 0, faulty: ['the tool itself'], words: output };
  const { operations, test_cases: cases, failures, errors } = JSON.parse(text) as Report;
  const faulty = new Set([...failures.flatMap((failure) => failure.operations), ...errors.map(({ title }) => `the tool itself: ${title}`)]);
  if (faulty.size === 0 && status !== 0) faulty.add(`the tool itself, which ended with ${status}`);
  if (faulty.size === 0 && cases.generated === 0) faulty.add('the tool itself, which sent nothing');
  return { operations: operations.tested, requests: cases.generated, faulty: [...faulty], words: faulty.size > 0 ? output.slice(output.search(/^=+ (ERRORS|FAILURES) =+$/m)) : '' };
}
