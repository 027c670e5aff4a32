import { Logger } from '@nestjs/common';
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, jwksCache, type JWKSCacheInput, type JWTVerifyGetKey } from 'jose';

/** How long keys are believed, in ms. */
export interface KeyTimes {
  /** Without asking again: a key that the issuer has withdrawn is believed for this long. */
  readonly fresh: number;
  /** While the issuer cannot be asked: who has the key set of this age can still serve. */
  readonly usedOn: number;
  /** An issuer that did not answer is left alone for this long. */
  readonly pause: number;
}
const TIMES: KeyTimes = { fresh: 5 * 60_000, usedOn: 3_600_000, pause: 10_000 };

/** An unknown key asks the issuer again, but not more often than this: a flood of made-up key ids costs one request. */
const COOLDOWN_MS = 30_000;
const PATIENCE_MS = 5_000;

/** The issuer cannot be asked, and without it nothing can be said of this key. */
class KeysNotAtHand extends Error {
  override readonly name = 'KeysNotAtHand';
}

/**
 * The keys of an issuer, fetched and kept. When the issuer is away, those from before go on being used for an hour, and the
 * log tells: an outage of it shall not be one of everything. Of a key that is not among them nothing is known then.
 * @throws JWKSNoMatchingKey when the issuer has no such key; another error when that cannot be found out.
 */
export function keySetAt(url: URL, ask: typeof fetch, times: KeyTimes = TIMES): JWTVerifyGetKey {
  const log = new Logger('Issuer');
  const kept: JWKSCacheInput = {};
  const remote = createRemoteJWKSet(url, { cooldownDuration: COOLDOWN_MS, cacheMaxAge: times.fresh, timeoutDuration: PATIENCE_MS, [customFetch]: ask, [jwksCache]: kept });
  let away: { readonly until: number; readonly cause: unknown } | undefined;

  const fromBefore: JWTVerifyGetKey = async (header, token) => {
    const { jwks, uat = 0 } = kept as Partial<{ jwks: Parameters<typeof createLocalJWKSet>[0]; uat: number }>;
    if (!jwks || Date.now() >= uat + times.usedOn) throw away?.cause;
    try {
      return await createLocalJWKSet(jwks)(header, token);
    } catch (error) {
      throw error instanceof errors.JWKSNoMatchingKey ? new KeysNotAtHand(`${url.href} cannot be asked for the key of this token`, { cause: away?.cause }) : error;
    }
  };

  return async (header, token) => {
    if (away && Date.now() < away.until) return fromBefore(header, token);
    try {
      const key = await remote(header, token);
      if (away && remote.fresh) log.log(`${url.href} answers again`);
      if (remote.fresh) away = undefined;
      return key;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      if (!away && 'jwks' in kept) log.warn({ err: error, msg: `${url.href} cannot be fetched; the keys from before go on being used for ${times.usedOn / 60_000} minutes after they were fetched` });
      away = { until: Date.now() + times.pause, cause: error };
      return fromBefore(header, token);
    }
  };
}
