import { traceHeaders } from '@vitae/service-kit';

/** The registry said no (4xx) or sent too much: asking again would not help. */
export class DownloadRefused extends Error {
  override readonly name = 'DownloadRefused';
}

/** The registry is away or in trouble: ask again later. */
export class DownloadFailed extends Error {
  override readonly name = 'DownloadFailed';
}

/** Longest wait for the next bytes, in milliseconds. */
const PATIENCE = 30_000;

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** Shown to whoever is at the address: MUST be empty for one that is not Vitae's own. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Fetches a model file into memory. Follows no redirect. Throws DownloadRefused, DownloadFailed. */
export async function download(url: string, { signal, maxBytes, headers }: DownloadOptions): Promise<Uint8Array> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), PATIENCE);
  try {
    const response = await fetch(url, { headers: { ...traceHeaders(), ...headers }, signal: AbortSignal.any([signal, silence.signal]), redirect: 'error' });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      const message = `${url} answered ${response.status}`;
      throw response.status >= 400 && response.status < 500 && ![408, 425, 429].includes(response.status) ? new DownloadRefused(message) : new DownloadFailed(message);
    }
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), PATIENCE);
      size += part.byteLength;
      if (size > maxBytes) throw new DownloadRefused(`${url} sends more than ${maxBytes} bytes, the most that this runtime loads (RUNTIME_MAX_ARTEFACT_BYTES)`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  } catch (error) {
    if (error instanceof DownloadRefused || error instanceof DownloadFailed) throw error;
    throw new DownloadFailed(`${url} cannot be read: ${silence.signal.aborted ? `silent for ${PATIENCE} ms` : reasonOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return cause?.message || cause?.code || message;
}
