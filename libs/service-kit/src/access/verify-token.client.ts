import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { Problem } from '../problem.ts';
import { CredentialRefused } from './credential-refused.ts';
import type { CredentialFault } from './credential.ts';
import { keySetAt, type KeyTimes } from './key-set.client.ts';

/** Whose tokens are believed, and for whom they must be made. */
export interface Issuer {
  readonly issuer: string;
  readonly audience: string;
  /** How the issuer is reached, when not by plain `fetch`: a cluster's own authority, its own login. */
  readonly fetch?: typeof fetch;
}

/** Asymmetric only: an HMAC under a public key is the oldest trick there is (RFC 8725, section 2.1). */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
/** Seconds by which clocks may differ. */
const SKEW_S = 30;
/** A token that lives longer than this is no access token. */
const LONGEST_LIFE_S = 24 * 3600;
const PATIENCE_MS = 5_000;

/**
 * Verifies the JWTs of one issuer (RFC 7519, RFC 9068, RFC 8725): signature, algorithm, issuer, audience, times. Keys are
 * found by OpenID Connect Discovery and kept.
 * @throws CredentialRefused with the fault; Problem 503 `issuer-unavailable` when the keys cannot be had.
 */
export class TokenVerifier {
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor(
    readonly trusted: Issuer,
    private readonly times?: KeyTimes,
  ) {}

  async verify(token: string): Promise<JWTPayload> {
    refuseBadHeader(token);
    const { issuer, audience } = this.trusted;
    try {
      const { payload } = await jwtVerify(token, await this.#keySet(), { issuer, audience, algorithms: ALGORITHMS, clockTolerance: SKEW_S, requiredClaims: ['sub', 'exp', 'iat'] });
      if (payload.exp! - payload.iat! > LONGEST_LIFE_S) throw new CredentialRefused('claims-wrong', `it lives longer than ${LONGEST_LIFE_S / 3600} hours`);
      if (payload.iat! > Date.now() / 1000 + SKEW_S) throw new CredentialRefused('not-yet-valid');
      return payload;
    } catch (error) {
      throw refusalOf(error) ?? unavailable(issuer, error);
    }
  }

  #keySet(): Promise<JWTVerifyGetKey> {
    return (this.#keys ??= this.#discover().catch((error: unknown) => {
      this.#keys = undefined; // the next request tries again
      throw error;
    }));
  }

  /** OpenID Connect Discovery 1.0, section 4. */
  async #discover(): Promise<JWTVerifyGetKey> {
    const { issuer, fetch: ask = fetch } = this.trusted;
    const response = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' });
    if (!response.ok) throw new Error(`the discovery document answered ${response.status}`);
    const { issuer: said, jwks_uri: keys } = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    if (said !== issuer) throw new Error(`the discovery document is of the issuer ${JSON.stringify(said)}`);
    return keySetAt(new URL(String(keys)), ask, this.times);
  }
}

/** Refused before any key is looked for: headers that bring a key along, and tokens that are none for an API. */
function refuseBadHeader(token: string): void {
  let header;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new CredentialRefused('malformed');
  }
  const { alg, typ, jku, jwk, x5u, x5c } = header;
  if (jku !== undefined || jwk !== undefined || x5u !== undefined || x5c !== undefined) throw new CredentialRefused('key-in-header');
  if (alg === undefined || !ALGORITHMS.includes(alg)) throw new CredentialRefused('algorithm-refused');
  if (typ !== undefined && !/^(application\/)?(at\+jwt|jwt)$/i.test(typ)) throw new CredentialRefused('type-refused');
}

function refusalOf(error: unknown): CredentialRefused | undefined {
  if (error instanceof CredentialRefused) return error;
  if (error instanceof errors.JWTExpired) return new CredentialRefused('expired');
  if (error instanceof errors.JWTClaimValidationFailed) return new CredentialRefused(faultOfClaim(error.claim));
  if (error instanceof errors.JWSSignatureVerificationFailed) return new CredentialRefused('signature-wrong');
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return new CredentialRefused('key-unknown');
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) return new CredentialRefused('algorithm-refused');
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return new CredentialRefused('malformed');
  return undefined;
}

function faultOfClaim(claim: string): CredentialFault {
  return claim === 'iss' ? 'issuer-wrong' : claim === 'aud' ? 'audience-wrong' : claim === 'nbf' || claim === 'iat' ? 'not-yet-valid' : 'claims-wrong';
}

/** Not the caller's fault, hence no 401: a client would throw a good token away. */
const unavailable = (issuer: string, cause: unknown): Problem =>
  new Problem(503, 'issuer-unavailable', 'The issuer of tokens cannot be reached', `The keys of ${issuer}, by which tokens are checked, cannot be had at the moment. Nothing was done; send the request again.`, { headers: { 'Retry-After': '2' }, cause });
