import { Inject, Injectable, Optional } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import { CONFIG, type BaseConfig } from '../config.ts';
import { Ledger } from '../ledger.ts';
import { Problem } from '../problem.ts';
import type { Principal } from './principal.ts';
import { everyProject } from './project-scope.ts';

/** The window in which requests are counted, in seconds. */
const WINDOW_S = 60;
/** How much of a limit a replica takes at once: so that a hundred requests cost one statement, and no more than that is taken in vain. */
const SHARE = 100;
/** A project may be asked this many times as much as one caller. */
const PROJECT_FACTOR = 10;
/** Callers and projects that a replica remembers. */
const MOST = 10_000;

/** What a replica may still let through without asking, and until when. */
interface Share {
  left: number;
  until: number;
  asking?: Promise<void> | undefined;
}

/**
 * How often somebody may ask, and how often a project may be asked, over all replicas of all services: the counts lie in
 * PostgreSQL, of which each replica takes a share at a time. When they cannot be had there, each replica counts by itself.
 * A service without a database always does. Vitae's own services are not limited.
 */
@Injectable()
export class RateLimits {
  readonly #perCaller: number;
  readonly #callers: RateLimiterAbstract;
  readonly #projects: RateLimiterAbstract;
  readonly #shares = new Map<string, Share>();

  constructor(
    @Inject(CONFIG) config: BaseConfig,
    @Optional() ledger?: Ledger,
  ) {
    this.#perCaller = config.VITAE_RATE_LIMIT_PER_MINUTE;
    this.#callers = limiter('caller', this.#perCaller, ledger);
    this.#projects = limiter('project', this.#perCaller * PROJECT_FACTOR, ledger);
  }

  /** @throws Problem 429 `too-many-requests`, with Retry-After. */
  async takeOfCaller({ kind, id }: Principal): Promise<void> {
    if (this.#perCaller > 0 && kind !== 'service') await this.#one(this.#callers, `${kind}/${id}`, 'This caller');
  }

  /**
   * For a caller who may ask the project. The whole installation (`*`) has no limit of its own.
   * @throws Problem 429 `too-many-requests`, with Retry-After.
   */
  async takeOfProject({ kind }: Principal, projectId: string): Promise<void> {
    if (this.#perCaller > 0 && kind !== 'service' && projectId !== '*') await this.#one(this.#projects, projectId, `Project ${projectId}`);
  }

  async #one(counts: RateLimiterAbstract, name: string, whose: string): Promise<void> {
    const key = `${counts.keyPrefix}:${name}`;
    for (;;) {
      const now = Date.now();
      const share = this.#shares.get(key) ?? this.#remember(key);
      if (share.until > now && share.left > 0) {
        share.left -= 1;
        return;
      }
      share.asking ??= this.#ask(counts, name, share).finally(() => (share.asking = undefined));
      await share.asking.catch((error: unknown) => {
        throw error instanceof RateLimiterRes ? tooMany(whose, counts.points, error.msBeforeNext) : error;
      });
    }
  }

  async #ask(counts: RateLimiterAbstract, name: string, share: Share): Promise<void> {
    const points = Math.max(1, Math.floor(counts.points / SHARE));
    const { msBeforeNext } = await counts.consume(name, points);
    share.left = points;
    share.until = Date.now() + msBeforeNext;
  }

  #remember(key: string): Share {
    const share: Share = { left: 0, until: 0 };
    if (this.#shares.size >= MOST) this.#shares.delete(this.#shares.keys().next().value ?? '');
    this.#shares.set(key, share);
    return share;
  }
}

function limiter(keyPrefix: string, points: number, ledger: Ledger | undefined): RateLimiterAbstract {
  const memory = new RateLimiterMemory({ keyPrefix, points, duration: WINDOW_S });
  if (!ledger) return memory;
  const query = ({ text, values }: { text: string; values: unknown[] }) => everyProject(() => ledger.sql.query(text, values)).then((rows) => ({ rows }));
  return new RateLimiterPostgres({ keyPrefix, points, duration: WINDOW_S, storeClient: { query }, storeType: 'client', schemaName: 'access', tableName: 'rate', tableCreated: true, clearExpiredByTimeout: false, insuranceLimiter: memory });
}

const tooMany = (whose: string, limit: number, ms: number): Problem =>
  new Problem(429, 'too-many-requests', 'Too many requests', `${whose} may send ${limit} requests a minute, and has. Nothing was done; send it again after the time in Retry-After.`, {
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(ms / 1000))) },
    members: { limit, windowSeconds: WINDOW_S },
  });
