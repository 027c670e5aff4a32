import { decodeJwt } from 'jose';
import { claims, isMachine, type Claims } from './claims.ts';
import { CredentialRefused } from './credential-refused.ts';
import { credentialOf } from './credential.ts';
import type { GrantsDocument } from './grants.ts';
import { accountOf, machineOf, personOf, workloadOf, type Account } from './principal-of.ts';
import type { Principal } from './principal.ts';

/** What authentication stands on. */
export interface AuthenticationParts {
  /** Verifies a JWT of the issuer of people and clients; throws CredentialRefused. */
  verify(token: string): Promise<object>;
  /** The subject of a workload's token; undefined when the token is none of a workload. */
  workload?(token: string, issuer: string | undefined): Promise<string | undefined>;
  /** The pseudonym of an account: the same for ever, until it is erased. */
  pseudonym(account: Account): Promise<string>;
  /** What an API token is good for; throws CredentialRefused. */
  apiToken(text: string): Promise<Principal>;
  grants(): GrantsDocument;
}

/** A token that was verified is believed without looking again for this long, in ms: a tenth of a millisecond saved each time. */
const BELIEVED_MS = 30_000;
const MOST_KEPT = 2_000;

/** Finds out who sends a request. One for each service. */
export class Authentication {
  readonly #verified = new Map<string, { readonly said: Claims; readonly until: number }>();

  constructor(private readonly parts: AuthenticationParts) {}

  /**
   * @param header the Authorization header.
   * @returns undefined when there is no credential at all.
   * @throws CredentialRefused for one that is not accepted; Problem 503 when it cannot be checked at the moment.
   */
  async principalOf(header: string | undefined): Promise<Principal | undefined> {
    const credential = credentialOf(header);
    switch (credential.type) {
      case 'none':
        return undefined;
      case 'unreadable':
        throw new CredentialRefused(credential.why);
      case 'api-token':
        return this.parts.apiToken(credential.text);
      case 'jwt':
        return this.#bearer(credential.text);
    }
  }

  async #bearer(token: string): Promise<Principal> {
    const { grants, pseudonym, workload } = this.parts;
    const subject = await workload?.(token, issuerIn(token));
    if (subject !== undefined) return workloadOf(subject, grants());
    const said = await this.#claims(token);
    return isMachine(said) ? machineOf(said, grants()) : personOf(said, await pseudonym(accountOf(said)), grants());
  }

  async #claims(token: string): Promise<Claims> {
    const now = Date.now();
    const known = this.#verified.get(token);
    if (known && known.until > now) return known.said;
    const parsed = claims.safeParse(await this.parts.verify(token));
    if (!parsed.success) throw new CredentialRefused('claims-wrong');
    if (this.#verified.size >= MOST_KEPT) this.#verified.delete(this.#verified.keys().next().value ?? '');
    this.#verified.delete(token);
    this.#verified.set(token, { said: parsed.data, until: Math.min(now + BELIEVED_MS, parsed.data.exp * 1000) });
    return parsed.data;
  }
}

/** Whose token it says to be: only to choose who checks it. */
function issuerIn(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined; // whoever checks it says what is wrong
  }
}
