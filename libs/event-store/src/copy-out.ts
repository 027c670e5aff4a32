import type { ClientBase, Connection, Submittable } from 'pg';

/** A row: where its number of fields begins in these bytes, which are not written again. */
export type TakeRow = (bytes: Buffer, at: number) => void;

export interface CopyStatement {
  /** `copy … to stdout (format binary)` */
  readonly text: string;
  readonly take: TakeRow;
}

/**
 * Gives each row that these statements bring to who takes it. They travel together, and are over together: an error of
 * one is the error of all.
 *
 * A statement of pg's own kind: to put a stream's listener in and out of the socket, and to wait for each of its chunks,
 * costs more than to take the messages where pg has cut them out already.
 */
export function copyOut(client: ClientBase, statements: readonly CopyStatement[]): Promise<void> {
  return new Promise((resolve, reject) => void client.query(new CopyOut(statements, resolve, reject)));
}

const SIGNATURE = 11;
/** Bytes of a block that rows are kept in: with a Buffer for each row, a third of the time would go into collecting them. */
const BLOCK = 64 * 1024;

class CopyOut implements Submittable {
  readonly #statements: readonly CopyStatement[];
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #statement = 0;
  #begun = false;
  #block = Buffer.alloc(0);
  #used = 0;

  constructor(statements: readonly CopyStatement[], resolve: () => void, reject: (error: Error) => void) {
    this.#statements = statements;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    connection.query(this.#statements.map(({ text }) => text).join(';\n'));
  }

  /** A message is a row (PostgreSQL promises that), the first one after a header; the last one says that there are no more. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    let row = 0;
    if (!this.#begun) {
      this.#begun = true;
      row = SIGNATURE + 8 + chunk.readInt32BE(SIGNATURE + 4); // flags, length of the header's extension
    }
    if (chunk.readInt16BE(row) === -1) return;
    if (this.#used + chunk.length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(Math.max(BLOCK, chunk.length));
      this.#used = 0;
    }
    const at = this.#used;
    this.#block.set(chunk, at); // pg uses its buffer again
    this.#used += chunk.length;
    this.#statements[this.#statement]?.take(this.#block, at + row);
  }

  handleCommandComplete(): void {
    this.#statement += 1;
    this.#begun = false;
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  handleError(error: Error): void {
    this.#reject(error);
  }
}
