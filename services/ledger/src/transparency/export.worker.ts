import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG, gauge } from '@vitae/service-kit';
import type { LedgerConfig } from '../config.ts';
import { exportLog } from './log-export.store.ts';
import { LogFiles } from './log-files.store.ts';
import { LogState } from './log-state.store.ts';

/** After a failure, a full disk for example, it tries again after this long, in milliseconds. */
const AFTER_TROUBLE_MS = 5_000;

/** Keeps VITAE_LOG_EXPORT_DIR up to the published checkpoint as long as the service runs. */
@Injectable()
export class ExportWorker implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger(ExportWorker.name);
  readonly #stop = new AbortController();
  #exported = 0;
  #running: Promise<void> = Promise.resolve();
  #stopGauge: () => void = () => undefined;

  constructor(
    private readonly files: LogFiles,
    private readonly state: LogState,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  onApplicationBootstrap(): void {
    const directory = this.config.VITAE_LOG_EXPORT_DIR;
    if (directory === undefined) return;
    this.#stopGauge = gauge('vitae.log.exported', '{event}', 'Events in the export of the transparency log', () => [{ value: this.#exported, attributes: {} }]);
    this.#running = this.#run(directory);
  }

  async onModuleDestroy(): Promise<void> {
    this.#stop.abort();
    this.#stopGauge();
    await this.#running;
  }

  async #run(directory: string): Promise<void> {
    const { signal } = this.#stop;
    let seen = '';
    while (!signal.aborted) {
      let pause = this.config.VITAE_CHECKPOINT_MS;
      try {
        const note = await this.files.checkpoint();
        if (note !== undefined && note !== seen) {
          this.#exported = await exportLog({ ...this.files.source, checkpoint: async () => note }, directory, await this.state.keys(), signal);
          seen = note;
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ err: error }, `the log cannot be exported to ${directory}; it is tried again`);
        pause = AFTER_TROUBLE_MS;
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}
