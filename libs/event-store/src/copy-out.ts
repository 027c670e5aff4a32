import type { ClientBase, Connection, Submittable } from 'pg';

/** A row of a binary COPY: where its number of fields begins in these bytes, which nobody writes to again. */
export type TakeRow = (bytes: Buffer, at: number) => void;

export interface CopyStatement {
  /** `copy … to stdout (format binary)` */
  readonly text: string;
  readonly take: TakeRow;
  /** All its rows were given; the statements behind it may still be under way, and fail. */
  readonly over?: () => void;
}

/**
 * Gives each row that these statements bring to who takes it. They travel together and are over together: an error of one
 * is the error of all. `take` and `over` MUST NOT throw.
 *
 * Rows are taken from what the socket brings, before pg sees them: to cut an object and a buffer of its own out for each,
 * as pg does, or to chain them up again, as pg-copy-streams does, costs more than all the rest. Everything that is not a
 * row goes to pg as it came, so errors, notices and the end are its business.
 */
export function copyOut(client: ClientBase, statements: readonly CopyStatement[]): Promise<void> {
  return new Promise((resolve, reject) => void client.query(new CopyOut(statements, resolve, reject)));
}

type OnData = (chunk: Buffer) => void;

// A message is its kind, its length (which counts itself, not the kind), and what it says.
const HEAD = 5;
const ROW = 'd'.charCodeAt(0);
const COPY_BEGINS = 'H'.charCodeAt(0);
const COPY_ENDS = 'c'.charCodeAt(0);
const READY = 'Z'.charCodeAt(0);

/** Before the first row: a signature, flags, and an extension with its length. */
const SIGNATURE = 11;

class CopyOut implements Submittable {
  readonly #statements: readonly CopyStatement[];
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  /** pg's own listener, which waits aside. */
  #pg: OnData = () => undefined;
  #stream: Connection['stream'] | undefined;
  /** The beginning of a message whose end has not come yet, and how long both are together. */
  #begun: Buffer[] = [];
  #has = 0;
  #needs = 0;
  #statement = -1;
  #first = true;

  constructor(statements: readonly CopyStatement[], resolve: () => void, reject: (error: unknown) => void) {
    this.#statements = statements;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): Error | undefined {
    const [listener, ...others] = connection.stream.listeners('data');
    if (!listener || others.length > 0) return new Error('somebody else listens to what this connection brings');
    this.#pg = listener as OnData;
    this.#stream = connection.stream;
    this.#stream.on('data', this.#onData).removeListener('data', this.#pg);
    connection.query(this.#statements.map(({ text }) => text).join(';\n'));
    return undefined;
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleCommandComplete(): void {
    // one of them is over
  }

  readonly #onData = (chunk: Buffer): void => {
    let at = this.#has > 0 ? this.#complete(chunk) : 0;
    while (this.#stream && at + HEAD <= chunk.length) {
      const end = at + 1 + chunk.readInt32BE(at + 1);
      if (end > chunk.length) break;
      this.#message(chunk, at, end);
      at = end;
    }
    if (at === chunk.length) return;
    if (this.#stream) this.#begin(chunk.subarray(at));
    else this.#pg(chunk.subarray(at)); // what the server says unasked, after the end
  };

  #message(bytes: Buffer, at: number, end: number): void {
    const kind = bytes[at];
    if (kind === ROW) this.#row(bytes, at + HEAD);
    else if (kind === COPY_BEGINS) {
      this.#statement += 1;
      this.#first = true;
    } else if (kind === COPY_ENDS) {
      this.#statements[this.#statement]?.over?.();
    } else {
      if (kind === READY) this.#giveBack();
      this.#pg(bytes.subarray(at, end));
    }
  }

  /** PostgreSQL promises one row a message; the last one says that there are no more. */
  #row(bytes: Buffer, start: number): void {
    const at = this.#first ? start + SIGNATURE + 8 + bytes.readInt32BE(start + SIGNATURE + 4) : start;
    this.#first = false;
    if (bytes.readInt16BE(at) !== -1) this.#statements[this.#statement]?.take(bytes, at);
  }

  #begin(bytes: Buffer): void {
    this.#begun = [bytes];
    this.#has = bytes.length;
    this.#needs = bytes.length < HEAD ? 0 : 1 + bytes.readInt32BE(1);
  }

  /** Adds to a message that has begun; says from where on the chunk is of the next ones. */
  #complete(chunk: Buffer): number {
    if (this.#needs === 0) {
      const bytes = Buffer.concat([...this.#begun, chunk]); // not even its length had come
      this.#begun = [];
      this.#has = 0;
      this.#onData(bytes);
      return chunk.length;
    }
    const missing = this.#needs - this.#has;
    this.#begun.push(chunk.subarray(0, missing));
    if (chunk.length < missing) {
      this.#has += chunk.length;
      return chunk.length;
    }
    const message = Buffer.concat(this.#begun, this.#needs);
    this.#begun = [];
    this.#has = 0;
    this.#message(message, 0, message.length);
    return missing;
  }

  #giveBack(): void {
    this.#stream?.on('data', this.#pg).removeListener('data', this.#onData);
    this.#stream = undefined;
  }
}
