import { CannotRun } from '../outcome.ts';
import { tokenForAddress } from '../token-for.ts';
import type { ReadLogFile } from './directory-log.ts';

/**
 * A log as a server hands it out, e.g. `http://127.0.0.1:7400/api/ledger/log`. Where it is not for everybody, who asks is
 * said, to a front door that one has a credential for and to no other.
 */
export function httpLog(address: string): ReadLogFile {
  const base = address.replace(/\/+$/, '');
  let token: string | undefined;
  return async (path) => {
    const url = `${base}/${path}`;
    const ask = (by: string | undefined): Promise<Response> => fetch(url, by === undefined ? {} : { headers: { authorization: `Bearer ${by}` } }).catch((error: Error) => {
      const { code, message } = (error.cause ?? error) as { code?: string; message: string };
      throw new CannotRun(`${url} does not answer (${code ?? message}).`, { cause: error });
    });
    const sent = token; // files are read side by side, and another one may get a token meanwhile
    let response = await ask(sent);
    if (response.status === 401) {
      const another = await tokenForAddress(base);
      if (another !== undefined && another !== sent) {
        await response.body?.cancel();
        token = another;
        response = await ask(another);
      }
    }
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    const todo = response.status === 403 ? ' Who may read the history of all projects may read it, an auditor for one. What you may do: vitae whoami' : response.status === 401 ? ' It is not for everybody: log in at its front door (vitae login --url …), or set VITAE_TOKEN and VITAE_URL.' : '';
    throw new CannotRun(`${url} answers ${response.status} ${response.statusText}.${todo}`);
  };
}
