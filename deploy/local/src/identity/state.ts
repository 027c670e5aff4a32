import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider';

interface Kept {
  readonly payload: AdapterPayload;
  /** Seconds since 1970; absent: for ever. */
  readonly until?: number;
}

export interface State {
  readonly Adapter: AdapterConstructor;
  /** Writes what has changed since the last time. */
  save(): void;
}

/**
 * What the provider remembers (sessions, refresh tokens, codes), in one small file that only its owner reads, so that who is
 * logged in stays so over a restart of the suite. It is written whole a moment after a change, under another name first.
 * A file that cannot be read is begun anew: everybody logs in once more.
 */
export function stateIn(file: string): State {
  const kept = new Map<string, Kept>(readState(file));
  let timer: NodeJS.Timeout | undefined;

  function save(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const [key, { until }] of kept) if (until !== undefined && until <= now()) kept.delete(key);
    writeFileSync(`${file}.new`, JSON.stringify([...kept]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const changed = (): void => {
    timer ??= setTimeout(save, 200).unref();
  };

  class FileAdapter implements Adapter {
    private readonly model: string;
    constructor(model: string) {
      this.model = model;
    }

    private entries(): [string, Kept][] {
      return [...kept].filter(([key, { until }]) => key.startsWith(`${this.model}:`) && (until === undefined || until > now()));
    }

    private findBy(field: 'uid' | 'userCode', value: string): Promise<AdapterPayload | undefined> {
      return Promise.resolve(this.entries().find(([, { payload }]) => payload[field] === value)?.[1].payload);
    }

    upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
      kept.set(`${this.model}:${id}`, { payload, ...(expiresIn === undefined ? {} : { until: now() + expiresIn }) });
      changed();
      return Promise.resolve();
    }

    find(id: string): Promise<AdapterPayload | undefined> {
      const found = kept.get(`${this.model}:${id}`);
      return Promise.resolve(found && (found.until === undefined || found.until > now()) ? found.payload : undefined);
    }

    findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
      return this.findBy('userCode', userCode);
    }

    findByUid(uid: string): Promise<AdapterPayload | undefined> {
      return this.findBy('uid', uid);
    }

    consume(id: string): Promise<void> {
      const found = kept.get(`${this.model}:${id}`);
      if (found) found.payload.consumed = now();
      changed();
      return Promise.resolve();
    }

    destroy(id: string): Promise<void> {
      kept.delete(`${this.model}:${id}`);
      changed();
      return Promise.resolve();
    }

    revokeByGrantId(grantId: string): Promise<void> {
      for (const [key, { payload }] of this.entries()) if (payload.grantId === grantId) kept.delete(key);
      changed();
      return Promise.resolve();
    }
  }
  return { Adapter: FileAdapter, save };
}

const now = (): number => Math.floor(Date.now() / 1000);

function readState(file: string): [string, Kept][] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as [string, Kept][];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') rmSync(file, { force: true });
    return [];
  }
}
