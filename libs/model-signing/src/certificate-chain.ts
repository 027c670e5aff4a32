import { X509Certificate } from 'node:crypto';
import { X509Certificate as Parsed } from '@sigstore/core';
import { MOST_CERTIFICATES } from './bundle.ts';
import { SignatureInvalid, must } from './signature-invalid.ts';

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
/** Extensions that are looked at below, or change nothing about whether a certificate may sign. */
const UNDERSTOOD = ['2.5.29.15', '2.5.29.19', '2.5.29.37', '2.5.29.17', '2.5.29.14', '2.5.29.35'];

/**
 * Certificates in PEM, as a verifier gets those it trusts.
 * @throws SignatureInvalid MALFORMED.
 */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  must(blocks.length > 0, 'MALFORMED', 'there is no certificate in PEM (-----BEGIN CERTIFICATE-----)');
  return blocks.map(parse);
}

/**
 * The signer's certificate, once a chain from it to one of the trusted certificates was found: each issued by the next,
 * all valid at that time, the issuers allowed to issue, the first one allowed to sign. Revocation is not looked up.
 *
 * @param chain DER, the signer's first; the order of the others is not relied on.
 * @throws SignatureInvalid MALFORMED, UNTRUSTED.
 */
export function trustedSigner(chain: readonly Uint8Array[], trusted: readonly X509Certificate[], at: Date): X509Certificate {
  const [signer, ...others] = chain.map(parse);
  must(signer !== undefined, 'MALFORMED', 'the bundle has no certificate');
  must(maySign(signer), 'UNTRUSTED', `the certificate of ${nameOf(signer)} is not for signing: it needs the key usage digitalSignature, or codeSigning`);
  must(isValid(signer, at), 'UNTRUSTED', `the certificate of ${nameOf(signer)} is valid from ${signer.validFrom} to ${signer.validTo}, and not now`);
  must(leadsToTrust(signer, [], others, trusted, at), 'UNTRUSTED', `the certificate of ${nameOf(signer)} (${signer.fingerprint256}) leads to none that is trusted here and valid`);
  return signer;
}

/** What a certificate calls its owner, on one line. */
export const nameOf = (certificate: X509Certificate): string => certificate.subject?.split('\n').join(', ') ?? '';

/** Tries all ways upwards; `below` are the certificates between this one and the signer, the signer's first. */
function leadsToTrust(certificate: X509Certificate, below: readonly X509Certificate[], others: readonly X509Certificate[], trusted: readonly X509Certificate[], at: Date): boolean {
  if (trusted.some((one) => one.raw.equals(certificate.raw))) return true;
  if (below.length >= MOST_CERTIFICATES) return false;
  const path = [...below, certificate];
  const unused = others.filter((one) => !path.includes(one));
  return [...trusted, ...unused].some((issuer) => mayIssue(issuer, path.length - 1) && isValid(issuer, at) && issued(issuer, certificate) && leadsToTrust(issuer, path, unused, trusted, at));
}

const issued = (issuer: X509Certificate, certificate: X509Certificate): boolean => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
const isValid = ({ validFromDate, validToDate }: X509Certificate, at: Date): boolean => validFromDate <= at && at <= validToDate;

/** @param issuersBelow how many other issuers are between this one and the signer. */
function mayIssue(certificate: X509Certificate, issuersBelow: number): boolean {
  const parsed = Parsed.parse(certificate.raw as Buffer<ArrayBuffer>);
  const most = parsed.extBasicConstraints?.pathLenConstraint;
  return parsed.isCA && isUnderstood(parsed) && (most === undefined || issuersBelow <= most);
}

function maySign(certificate: X509Certificate): boolean {
  const parsed = Parsed.parse(certificate.raw as Buffer<ArrayBuffer>);
  return isUnderstood(parsed) && (parsed.extKeyUsage?.digitalSignature === true || (certificate.keyUsage ?? []).includes(CODE_SIGNING));
}

/** What a certificate calls critical and is not known here may forbid anything (RFC 5280, section 4.2). */
const isUnderstood = ({ extensions }: Parsed): boolean =>
  extensions.every((extension) => UNDERSTOOD.includes(extension.subs[0]?.toOID() ?? '') || extension.subs[1]?.tag.number !== 1);

function parse(certificate: Uint8Array | string): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw new SignatureInvalid('MALFORMED', 'a certificate cannot be read', { cause: error });
  }
}
