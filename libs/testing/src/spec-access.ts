import { createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto';

/** The roles that a spec's people have unless told: all but that of a service. */
const EVERY_ROLE = ['viewer', 'data-scientist', 'ml-engineer', 'business-owner', 'validator', 'risk-officer', 'platform-engineer', 'auditor', 'administrator'];

export interface SpecRights {
  /** Default: every role of people, for a service that of services, too. */
  readonly roles?: readonly string[];
  /** Only in these projects; the issuer's grants know `alpha`, `beta`, `credit` and `fraud`. Default: in all. */
  readonly projects?: readonly ('alpha' | 'beta' | 'credit' | 'fraud')[];
  /** More claims, or others than usual: `{ exp: 0 }`, `{ auth_time: undefined }`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/**
 * An Authorization header of somebody, really signed by the issuer that runs beside the specs: `as('human/ben')`,
 * `as('machine/ci')`, `as('service/deployment')`. The name is the token's subject; in specs it is the person's pseudonym, too.
 */
export function as(who: `human/${string}` | `machine/${string}` | `service/${string}`, { roles, projects, claims = {} }: SpecRights = {}): string {
  const [kind = '', name = ''] = who.split(/\/(.*)/s);
  const everything = kind === 'service' ? [...EVERY_ROLE, 'service'] : EVERY_ROLE;
  const groups = (roles ?? everything).flatMap((role) => (projects ? projects.map((project) => `${role}@${project}`) : [role]));
  const now = Math.floor(Date.now() / 1000);
  const human = kind === 'human';
  const said = {
    iss: issuer().url, aud: AUDIENCE, sub: name, client_id: human ? 'spec' : name, jti: randomUUID(), iat: now, exp: now + 3600, groups,
    ...(human ? { auth_time: now, name: `${name} of the spec`, email: `${name}@example.org` } : {}),
    ...claims,
  };
  return `Bearer ${signed(said)}`;
}

/** A JWT with these claims and that header, signed by the issuer's key. */
export function signed(said: object, header: object = {}): string {
  const { key } = issuer();
  const text = [{ alg: 'ES256', typ: 'at+jwt', kid: 'spec', ...header }, said].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** The settings by which a service in a spec knows that issuer: `boot(registry, { ...specAccess(), PORT: '0', … })`. */
export function specAccess(): { readonly VITAE_MODE: 'local'; readonly OIDC_ISSUER: string; readonly OIDC_AUDIENCE: string; readonly VITAE_GRANTS_FILE: string } {
  const { url, grantsFile } = issuer();
  return { VITAE_MODE: 'local', OIDC_ISSUER: url, OIDC_AUDIENCE: AUDIENCE, VITAE_GRANTS_FILE: grantsFile };
}

const AUDIENCE = 'vitae';

interface SpecIssuer {
  readonly url: string;
  readonly grantsFile: string;
  readonly key: KeyObject;
}
let known: SpecIssuer | undefined;

function issuer(): SpecIssuer {
  if (known) return known;
  const text = process.env['VITAE_SPECS_ISSUER'];
  if (!text) throw new Error('No issuer of tokens runs for this spec. Name its file `*.int.spec.ts`, so that Jest starts one.');
  const { url, grantsFile, pem } = JSON.parse(text) as { url: string; grantsFile: string; pem: string };
  return (known = { url, grantsFile, key: createPrivateKey(pem) });
}
