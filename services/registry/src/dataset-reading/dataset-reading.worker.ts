import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { aggregateId } from '@vitae/event-store';
import { Problem, problemType, toProblem, type CommandContext } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import type { Report } from '../dataset-version/dataset-file.store.ts';
import { ForDatasetVersion } from '../dataset-version/dataset-version.handler.ts';
import type { DatasetDeclaration } from '../dataset-version/registration.ts';
import { DatasetReadings } from './dataset-readings.store.ts';

interface Waiting {
  readonly id: string;
  readonly declaration: DatasetDeclaration;
  readonly context: CommandContext;
}

/** How many may wait in one process. One is read at a time: each may take all the memory that reading is given. */
const MOST_WAITING = 32;
const HEARTBEAT_MS = 5_000;
/** How often progress is written down at most. */
const PROGRESS_MS = 500;

/** Reads files in the background, one after the other, whether or not somebody still waits for the answer. */
@Injectable()
export class DatasetReadingWorker implements OnModuleDestroy {
  readonly #log = new Logger('DatasetReading');
  readonly #waiting: Waiting[] = [];
  readonly #stopping = new AbortController();
  #running: Waiting | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(
    private readonly commands: CommandBus,
    private readonly readings: DatasetReadings,
  ) {}

  /** @throws Problem 429 dataset-readings-full. */
  async begin(declaration: DatasetDeclaration, context: CommandContext): Promise<string> {
    if (this.#waiting.length >= MOST_WAITING || this.#stopping.signal.aborted) {
      throw new Problem(429, 'dataset-readings-full', 'Too many files wait to be read', `${MOST_WAITING} files wait to be read already. Ask again in a minute.`, { headers: { 'Retry-After': '60' } });
    }
    const id = uuidv7();
    const { datasetName, digest, datasetVersionId } = declaration;
    await this.readings.begin({ id, projectId: context.projectId, datasetName, digest, datasetVersionId, askedBy: context.actor.id });
    this.#waiting.push({ id, declaration, context });
    if (!this.#running && this.#waiting.length === 1) this.#work = this.#work.then(() => this.#readAll());
    return id;
  }

  /** Breaks off what is being read; whoever asks is told that it was interrupted. */
  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #readAll(): Promise<void> {
    const beat = setInterval(() => void this.#beat(), HEARTBEAT_MS);
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      this.#running = next;
      await this.#read(next).catch((error: unknown) => this.#log.error({ err: error, msg: `the end of dataset reading ${next?.id} could not be noted` }));
    }
    this.#running = undefined;
    clearInterval(beat);
  }

  async #read({ id, declaration, context }: Waiting): Promise<void> {
    const { signal } = this.#stopping;
    try {
      signal.throwIfAborted();
      await this.readings.progress(id, '', 0, undefined);
      const { stream } = await this.commands.execute(new ForDatasetVersion(declaration, context, { report: this.#reporter(id), signal }));
      await this.readings.finish(id, 'registered', { datasetVersionId: aggregateId(stream) });
    } catch (error) {
      const { status, slug, title, message: detail, extra } = toProblem(error, { ifMatch: context.expected !== undefined });
      if (status < 500) return this.readings.finish(id, 'refused', { problem: { type: problemType(slug), title, status, detail, ...extra.members } });
      if (!signal.aborted) this.#log.error({ err: error, msg: `dataset reading ${id} broke off` });
      await this.readings.finish(id, 'interrupted');
    }
  }

  /** Progress may be lost without harm; the order in which it is written is kept. */
  #reporter(id: string): Report {
    let [lastPhase, lastAt] = ['', 0];
    let writing = Promise.resolve();
    return (phase, share, rows) => {
      if (phase === lastPhase && Date.now() - lastAt < PROGRESS_MS) return;
      [lastPhase, lastAt] = [phase, Date.now()];
      writing = writing.then(() => this.readings.progress(id, phase, share, rows)).catch((error: unknown) => this.#log.warn({ err: error, msg: `the progress of dataset reading ${id} could not be noted` }));
    };
  }

  async #beat(): Promise<void> {
    const ids = [...(this.#running ? [this.#running] : []), ...this.#waiting].map(({ id }) => id);
    await this.readings.alive(ids).catch((error: unknown) => this.#log.warn({ err: error, msg: 'could not say that dataset readings go on' }));
  }
}
