import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { UploadSessions } from './upload-sessions.store.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Once at the start and then every hour: uploads that nobody went on with are taken away. */
@Injectable()
export class UploadSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #log = new Logger('Upload');
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(private readonly uploads: UploadSessions) {}

  onApplicationBootstrap(): void {
    this.#sweep();
    this.#timer = setInterval(() => this.#sweep(), HOUR_MS);
    this.#timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  #sweep(): void {
    this.#sweeping = this.uploads.sweep(Date.now()).then(
      (swept) => {
        if (swept > 0) this.#log.log(`${swept} uploads that nobody went on with were taken away`);
      },
      (error: unknown) => this.#log.error({ err: error, msg: 'the uploads could not be swept' }),
    );
  }
}
