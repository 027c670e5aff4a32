import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from '@vitae/local';

/** One call as a client sends it: a statement, or a message to NATS. */
export interface Call {
  /** The same for calls that mean the same. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Takes what a client sends apart. Keeps what is not complete yet. */
export type TakeApart = (bytes: Buffer) => readonly Call[];

/** Before the call reaches the server, or after the server has begun to answer: then it was done, and nobody is told. */
export type Moment = 'before' | 'after';

/** Stands between clients and a real server, and breaks one connection off when told. */
export interface CuttingProxy {
  readonly port: number;
  /** Every kind of call that came by since the last `forget`, in the order of the first. */
  readonly seen: ReadonlySet<string>;
  forget(): void;
  /** Cuts the connection at the next call of that name, once. */
  arm(name: string, moment: Moment): void;
  /** Whether the cut was made. */
  readonly fired: boolean;
  disarm(): void;
  close(): Promise<void>;
}

export async function cuttingProxy(target: number, protocol: () => TakeApart): Promise<CuttingProxy> {
  const seen = new Set<string>();
  const open = new Set<Socket>();
  let trap: { readonly name: string; readonly moment: Moment } | undefined;
  let fired = false;

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const takeApart = protocol();
    let answerLost = false;
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', () => {
        open.delete(socket);
        cut();
      });
    }
    client.on('data', (bytes) => {
      const through: Buffer[] = [];
      for (const call of takeApart(bytes)) {
        if (call.name !== '') seen.add(call.name);
        if (trap && call.name === trap.name) {
          const { moment } = trap;
          trap = undefined;
          fired = true;
          if (moment === 'before') return void cut();
          answerLost = true;
        }
        through.push(call.bytes);
      }
      if (through.length > 0) upstream.write(Buffer.concat(through));
    });
    upstream.on('data', (bytes) => {
      if (answerLost) cut();
      else client.write(bytes);
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    seen,
    forget: () => seen.clear(),
    arm: (name, moment) => {
      trap = { name, moment };
      fired = false;
    },
    get fired() {
      return fired;
    },
    disarm: () => (trap = undefined),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
