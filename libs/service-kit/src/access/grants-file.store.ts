import { readFile, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { ConfigError } from '../config.ts';
import { grantsDocument, type GrantsDocument } from './grants.ts';

/** How often the file is looked at, in ms: a role that is taken away is gone within seconds. */
const LOOK_MS = 5_000;

/** The grants as the file has them. A file that becomes unreadable or wrong is told in the log, and the grants before stay. */
export class GrantsFile {
  readonly #log = new Logger('Grants');
  #changed = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly path: string,
    private document: GrantsDocument,
  ) {}

  /** @throws ConfigError when the file cannot be read or is wrong: nobody would have any right. */
  static async open(path: string): Promise<GrantsFile> {
    const document = await readGrants(path).catch((cause: unknown) => {
      throw new ConfigError(`VITAE_GRANTS_FILE ${JSON.stringify(path)} cannot be used: ${(cause as Error).message}`, { cause });
    });
    const file = new GrantsFile(path, document);
    file.#changed = (await stat(path)).mtimeMs;
    file.#timer = setInterval(() => void file.#look(), LOOK_MS);
    file.#timer.unref();
    return file;
  }

  get current(): GrantsDocument {
    return this.document;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      const { mtimeMs } = await stat(this.path);
      if (mtimeMs === this.#changed) return;
      this.document = await readGrants(this.path);
      this.#changed = mtimeMs;
      this.#log.log({ grants: this.document.grants.length, msg: `${this.path} was read again` });
    } catch (error) {
      this.#log.error({ err: error, msg: `${this.path} cannot be used; the grants from before stay` });
    }
  }
}

async function readGrants(path: string): Promise<GrantsDocument> {
  const parsed = grantsDocument.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('/') || 'the document'}: ${issue?.message ?? 'wrong'}`);
}
