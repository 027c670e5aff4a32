import type { Session } from '@vitae/local';
import { entriesPath, eventsPath, openCheckpoint, parseVerifierKey, tilePath, verifyLog, type LogSource } from '@vitae/transparency';

const addressOf = (port: number): string => `http://127.0.0.1:${port}/log`;

const ask = async (reader: Session, address: string): Promise<Response> => fetch(address, { headers: { authorization: `Bearer ${await reader.accessToken()}` } });

/** The signed note of the first of these that has one. */
export async function fetchCheckpoint(reader: Session, ports: readonly number[]): Promise<string | undefined> {
  for (const port of ports) {
    const answer = await ask(reader, `${addressOf(port)}/checkpoint`).catch(() => undefined);
    if (answer?.ok) return answer.text();
    await answer?.body?.cancel();
  }
  return undefined;
}

/** The verifier keys of the log, one a line: believed here, since it is our own service. */
export const fetchKeys = async (reader: Session, port: number): Promise<string> => (await ask(reader, `${addressOf(port)}/log.vkey`)).text();

/** What is wrong with the log as a stranger reads it, who kept a checkpoint. */
export async function verifyOverHttp(reader: Session, port: number, verifierKeys: string, known: string): Promise<readonly string[]> {
  const keys = verifierKeys.split('\n').filter((line) => line !== '').map(parseVerifierKey);
  const { problems } = await verifyLog(await overHttp(reader, port), { keys, known: openCheckpoint(known, { keys }) });
  return problems.map(({ what }) => what);
}

/** One checkpoint for the whole walk: that of a live log moves on. */
async function overHttp(reader: Session, port: number): Promise<LogSource> {
  const file = async (path: string): Promise<Uint8Array | undefined> => {
    const answer = await ask(reader, `${addressOf(port)}/${path}`);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${await answer.text()}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const note = new TextDecoder().decode(await file('checkpoint'));
  return {
    checkpoint: () => Promise.resolve(note),
    tile: (tile) => file(tilePath(tile)),
    entries: (index, width) => file(entriesPath(index, width)),
    events: (index, width) => file(eventsPath(index, width)),
  };
}
