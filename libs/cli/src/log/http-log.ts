import { CannotRun } from '../outcome.ts';
import type { ReadLogFile } from './directory-log.ts';

/** A log as a server hands it out, e.g. `http://127.0.0.1:7400/api/ledger/log`. */
export function httpLog(address: string): ReadLogFile {
  const base = address.replace(/\/+$/, '');
  return async (path) => {
    const url = `${base}/${path}`;
    const response = await fetch(url).catch((error: Error) => {
      const { code, message } = (error.cause ?? error) as { code?: string; message: string };
      throw new CannotRun(`${url} does not answer (${code ?? message}).`, { cause: error });
    });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new CannotRun(`${url} answers ${response.status} ${response.statusText}.`);
  };
}
