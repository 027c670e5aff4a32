import { Problem } from '@vitae/service-kit';
import { digest } from './artefact.ts';

/** What uploads read of a request. */
interface UploadRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly readableAborted: boolean;
}

/** The digest that the sender announces in `Vitae-Digest`. */
export function declaredDigest({ headers }: UploadRequest): string | undefined {
  const text = headers['vitae-digest'];
  if (text === undefined) return undefined;
  const parsed = digest.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Problem(400, 'digest-malformed', 'The digest cannot be read', `Vitae-Digest was ${JSON.stringify(String(text).slice(0, 100))}. ${parsed.error.issues[0]?.message ?? ''}`);
}

/** What to answer when reading the body failed: if the sender went away, that and nothing else was it. */
export function brokenOff({ readableAborted }: UploadRequest, error: unknown, detail: string): unknown {
  if (!readableAborted || error instanceof Problem) return error;
  return new Problem(400, 'upload-incomplete', 'The upload broke off', detail, { cause: error });
}
