import { asList, asObject, asText, parseJson } from './json.ts';
import { digestOfDigests, inOrder, type DigestedFile } from './root-digest.ts';
import { must } from './signature-invalid.ts';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';

/** What is signed of a model: an in-toto Statement 1 about its files. */
export interface Statement {
  /** What the signer called the model; it proves nothing. */
  readonly name: string;
  /** `sha256:<hex>` over the files' digests, in the order in which the statement lists them. */
  readonly subjectDigest: string;
  readonly files: readonly DigestedFile[];
  /** Paths that the signer left out. */
  readonly ignoredPaths: readonly string[];
}

/**
 * Reads a payload whose signature was verified. Files are taken in whatever order they are listed: the standard asks
 * for that of code points, and its Python implementation writes that of path components, which differ where `a-b/c`
 * and `a/c` meet.
 *
 * @throws SignatureInvalid MALFORMED, UNSUPPORTED.
 */
export function parseStatement(payload: Uint8Array): Statement {
  const statement = parseJson(payload, 'the statement');
  must(statement['_type'] === STATEMENT_TYPE, 'UNSUPPORTED', `the statement is of type ${JSON.stringify(statement['_type'])}, and ${STATEMENT_TYPE} is known here`);
  must(statement['predicateType'] === PREDICATE_TYPE, 'UNSUPPORTED', `the predicate is of type ${JSON.stringify(statement['predicateType'])}, and ${PREDICATE_TYPE} is known here`);
  const predicate = asObject(statement['predicate'], 'predicate');
  const serialization = asObject(predicate['serialization'], 'serialization');
  must(serialization['method'] === 'files', 'UNSUPPORTED', `the files were digested by the method ${JSON.stringify(serialization['method'])}; sign with the method files, which digests each as a whole`);
  must(serialization['hash_type'] === 'sha256', 'UNSUPPORTED', `the files were digested with ${JSON.stringify(serialization['hash_type'])}; sign with sha256`);

  const subjects = asList(statement['subject'], 'subject');
  must(subjects.length === 1, 'MALFORMED', `the statement has ${subjects.length} subjects, and a model is one`);
  const subject = asObject(subjects[0], 'subject');
  const subjectDigest = `sha256:${hex(asObject(subject['digest'], 'digest of the subject')['sha256'], 'digest of the subject')}`;

  const files = asList(predicate['resources'], 'resources').map(parseFile);
  must(files.length > 0, 'MALFORMED', 'the statement names no files');
  must(new Set(files.map(({ path }) => path)).size === files.length, 'MALFORMED', 'the statement names a file twice');
  must(digestOfDigests(files.map(({ digest }) => digest.slice('sha256:'.length))) === subjectDigest, 'MALFORMED', 'the digest of the subject is not that of the files which the statement names');

  const ignored = serialization['ignore_paths'];
  const ignoredPaths = ignored === undefined ? [] : asList(ignored, 'ignore_paths').map((path) => asText(path, 'ignored path'));
  return { name: asText(subject['name'] ?? '', 'name of the subject'), subjectDigest, files, ignoredPaths };
}

function parseFile(value: unknown): DigestedFile {
  const resource = asObject(value, 'resource');
  must(resource['algorithm'] === 'sha256', 'UNSUPPORTED', `a file was digested with ${JSON.stringify(resource['algorithm'])}; sign with sha256`);
  return { path: asText(resource['name'], 'name of a file'), digest: `sha256:${hex(resource['digest'], 'digest of a file')}` };
}

function hex(value: unknown, what: string): string {
  const text = asText(value, what);
  must(/^[0-9a-f]{64}$/.test(text), 'MALFORMED', `the ${what} is not 64 lower-case hexadecimal digits`);
  return text;
}

/** The payload about these files, in the standard's order. */
export function formatStatement(name: string, files: readonly DigestedFile[], ignoredPaths: readonly string[] = []): Buffer {
  const resources = inOrder(files).map(({ path, digest }) => ({ name: path, algorithm: 'sha256', digest: digest.slice('sha256:'.length) }));
  return Buffer.from(
    JSON.stringify({
      _type: STATEMENT_TYPE,
      subject: [{ name, digest: { sha256: digestOfDigests(resources.map(({ digest }) => digest)).slice('sha256:'.length) } }],
      predicateType: PREDICATE_TYPE,
      predicate: {
        serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ...(ignoredPaths.length > 0 ? { ignore_paths: ignoredPaths } : {}) },
        resources,
      },
    }),
  );
}
