import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cosign, type VerifierKey } from '@vitae/transparency';
import { openWitness } from './witness.store.ts';
import { judge, type Verdict } from './witness.ts';

export interface WitnessOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Made at the first start. */
  readonly keyFile: string;
  readonly stateFile: string;
  /** Of its key, where that is to be made: a schemeless URL such as witness.example.com/w1. */
  readonly name: string;
  /** Keys of the logs that it witnesses. */
  readonly logs: readonly VerifierKey[];
}

export interface RunningWitness {
  readonly url: string;
  /** What a log, and whoever checks its checkpoints, needs to know of it. */
  readonly verifierKey: string;
  stop(): Promise<void>;
}

/** The longest request: 63 lines of proof and a note with many signatures are far below. */
const LONGEST_REQUEST = 64 * 1024;

/** Answers POST /add-checkpoint (C2SP tlog-witness): one request at a time from judging to storing, so that none overtakes another. */
export async function startWitness({ host, port, logs, ...files }: WitnessOptions): Promise<RunningWitness> {
  const { signer, memory } = await openWitness(files);
  let last: Promise<unknown> = Promise.resolve();

  const decide = async (body: string): Promise<Answer> => {
    const verdict = judge(logs, memory.latest, body);
    if (verdict.status !== 200) return refusal(verdict);
    await memory.remember(verdict.checkpoint, verdict.note);
    return { status: 200, type: 'text/plain; charset=utf-8', body: cosign(verdict.note, signer, Math.floor(Date.now() / 1000)) };
  };
  const inTurn = (body: string): Promise<Answer> => {
    const answer = last.then(() => decide(body));
    last = answer.catch(() => undefined);
    return answer;
  };

  const server = createServer((request, response) => {
    answer(request, inTurn)
      .catch((error: unknown) => {
        process.stderr.write(`the witness could not answer: ${(error as Error).stack}\n`);
        return plain(500, 'the witness could not answer');
      })
      .then((said) => send(response, said));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    verifierKey: signer.verifierKey,
    stop: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function answer(request: IncomingMessage, decide: (body: string) => Promise<Answer>): Promise<Answer> {
  if (request.url !== '/add-checkpoint') return plain(404, 'there is /add-checkpoint here');
  if (request.method !== 'POST') return plain(405, 'send a POST');
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > LONGEST_REQUEST) return plain(413, `a request has at most ${LONGEST_REQUEST} bytes`);
    parts.push(part);
  }
  return decide(Buffer.concat(parts).toString('utf8'));
}

function refusal(verdict: Exclude<Verdict, { status: 200 }>): Answer {
  return 'size' in verdict ? { status: 409, type: 'text/x.tlog.size', body: `${verdict.size}\n` } : plain(verdict.status, verdict.why);
}

const plain = (status: number, text: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body: `${text}\n` });

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store', ...(status === 413 ? { Connection: 'close' } : {}) }).end(body);
}
