import { looksLikeApiToken } from './api-token-text.ts';

/** What a request brings along to show who sends it. */
export type Credential = { readonly type: 'none' } | { readonly type: 'jwt' | 'api-token'; readonly text: string } | { readonly type: 'unreadable'; readonly why: CredentialFault };

/** Why a credential is not accepted: a closed list, which the audit and the metrics count by. */
export type CredentialFault =
  | 'malformed'
  | 'too-large'
  | 'scheme-unknown'
  | 'algorithm-refused'
  | 'key-in-header'
  | 'type-refused'
  | 'signature-wrong'
  | 'key-unknown'
  | 'issuer-wrong'
  | 'audience-wrong'
  | 'expired'
  | 'not-yet-valid'
  | 'claims-wrong'
  | 'token-unknown'
  | 'token-revoked';

/** Longest credential in characters. Node itself refuses headers above 16 KB. */
export const LONGEST = 8_192;

/** Reads the Authorization header: Bearer (RFC 6750), or Basic (RFC 7617) with an API token as the password, as MLflow's client sends it. */
export function credentialOf(header: string | undefined): Credential {
  if (header === undefined || header === '') return { type: 'none' };
  if (header.length > LONGEST) return { type: 'unreadable', why: 'too-large' };
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+) *$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return kindOf(value);
    case 'basic': {
      const [, password = ''] = /^[^:]*:([^]*)$/.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
      return looksLikeApiToken(password) ? { type: 'api-token', text: password } : password === '' ? { type: 'unreadable', why: 'malformed' } : kindOf(password);
    }
    case '':
      return { type: 'unreadable', why: 'malformed' };
    default:
      return { type: 'unreadable', why: 'scheme-unknown' };
  }
}

function kindOf(text: string): Credential {
  if (looksLikeApiToken(text)) return { type: 'api-token', text };
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text) ? { type: 'jwt', text } : { type: 'unreadable', why: 'malformed' };
}
