import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { CONFIG } from '@vitae/service-kit';
import type { RuntimeConfig } from '../config.ts';
import { RouteDocument } from './route-document.ts';

/** The route document on disk. A save is whole or has not happened, whatever ends the process or the machine. */
@Injectable()
export class RoutesStore {
  readonly #log = new Logger(RoutesStore.name);
  readonly #path: string;

  constructor(@Inject(CONFIG) config: RuntimeConfig) {
    this.#path = join(config.VITAE_DATA_DIR, 'runtime', 'routes.json');
  }

  /**
   * The routes of the last save; none at the first start. A file that cannot be read is put aside with an error in
   * the log, and the runtime starts without routes: the deployment service sends what it wants within a second.
   */
  async load(): Promise<RouteDocument['endpoints']> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    try {
      return RouteDocument.parse(JSON.parse(text)).endpoints;
    } catch (error) {
      const aside = `${this.#path}.unreadable`;
      await rename(this.#path, aside);
      this.#log.error({ err: error, msg: `the routes in ${this.#path} cannot be read; they are now in ${aside}, and the deployment service is asked for them by starting without any` });
      return {};
    }
  }

  async save(endpoints: RouteDocument['endpoints']): Promise<void> {
    const document: RouteDocument = { format: 'vitae-routes/1', endpoints };
    const directory = dirname(this.#path);
    await mkdir(directory, { recursive: true });
    const draft = `${this.#path}.draft`;
    const file = await open(draft, 'w');
    try {
      await file.writeFile(JSON.stringify(document, undefined, 2));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
    // The new name itself has to reach the disk, too.
    const folder = await open(directory, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
