import { Injectable } from '@nestjs/common';

/** Rejects, with a message for the operator, when the service cannot do its work; may resolve with details to show. */
export type ReadinessCheck = () => Promise<Readonly<Record<string, unknown>> | void>;

export interface ReadinessReport {
  readonly ready: boolean;
  /** Set while the service stops: what is being answered is finished, nothing new is taken. */
  readonly draining: boolean;
  readonly checks: readonly ({ readonly name: string; readonly ok: boolean; readonly detail?: string } & Readonly<Record<string, unknown>>)[];
}

/** Longest a check may take before it counts as failed, in milliseconds. */
const PATIENCE = 2_000;

/** What has to hold before the service gets traffic. A service adds its own: `readiness.register('onnx runtime', check)`. */
@Injectable()
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>();
  readonly #drained = new AbortController();

  /** @param name MUST be unique in the service. */
  register(name: string, check: ReadinessCheck): void {
    if (this.#checks.has(name)) throw new Error(`the readiness check ${name} is registered already`);
    this.#checks.set(name, check);
  }

  /** From now on the service is not ready, whatever the checks say. */
  drain(): void {
    this.#drained.abort();
  }

  get draining(): boolean {
    return this.#drained.signal.aborted;
  }

  /** Aborted when the service begins to stop. Answers that never end by themselves MUST end then, or the stop waits for them. */
  get drained(): AbortSignal {
    return this.#drained.signal;
  }

  async report(): Promise<ReadinessReport> {
    const checks = await Promise.all(
      [...this.#checks].map(async ([name, check]) => {
        try {
          return { name, ok: true, ...(await inTime(check())) };
        } catch (error) {
          return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    return { ready: !this.draining && checks.every(({ ok }) => ok), draining: this.draining, checks };
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
