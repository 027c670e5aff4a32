import { Injectable } from '@nestjs/common';
import type { Session } from './session.ts';

/** At most this many are remembered of each kind; the oldest are forgotten first. A session with its tokens takes some 4 KB. */
const MOST = { newest: 5_000, ended: 100_000, refused: 10_000 };
/** How long a refresh that the issuer refused is not tried again, in seconds. */
const REFUSED_FOR = 30;

/**
 * What this process knows beside the cookies. Everything here may be lost (a restart, another replica): a session lives from its cookie
 * alone. It heals what would otherwise go wrong between the tabs of one browser, and ends what was logged out.
 */
@Injectable()
export class SessionMemory {
  readonly #newest = new Map<string, Session>();
  readonly #ended = new Map<string, true>();
  readonly #refused = new Map<string, number>();

  /** The newer of what the browser sent and what a refresh for another of its requests gave. */
  newest(sent: Session): Session {
    const known = this.#newest.get(sent.id);
    return known && known.generation > sent.generation ? known : sent;
  }

  remember(session: Session): void {
    keep(this.#newest, session.id, session, MOST.newest);
  }

  end(sessionId: string): void {
    this.#newest.delete(sessionId);
    keep(this.#ended, sessionId, true, MOST.ended);
  }

  hasEnded = (sessionId: string): boolean => this.#ended.has(sessionId);

  refused({ id, generation }: Session, now: number): void {
    keep(this.#refused, `${id} ${generation}`, now, MOST.refused);
  }

  wasRefused = ({ id, generation }: Session, now: number): boolean => now - (this.#refused.get(`${id} ${generation}`) ?? -REFUSED_FOR) < REFUSED_FOR;
}

function keep<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key); // a Map keeps the order of first insertion
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value ?? '');
}
