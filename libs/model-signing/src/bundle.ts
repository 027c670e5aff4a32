import { dsse } from '@sigstore/core';
import { asBytes, asList, asObject, asText, parseJson } from './json.ts';
import { must } from './signature-invalid.ts';

export const MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** Who is said to have signed. */
export type Material =
  /** `hint` is the key's id; bundles of before 1.1 have none. */
  | { readonly method: 'key'; readonly hint?: string | undefined }
  /** DER, the signer's certificate first. */
  | { readonly method: 'certificate'; readonly chain: readonly Buffer[] };

/** A Sigstore bundle 0.3 around one DSSE signature, as OpenSSF Model Signing uses it. */
export interface Bundle {
  readonly material: Material;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** What was signed: DSSE's encoding of the payload and its type. */
export const signedBytes = ({ payload }: Pick<Bundle, 'payload'>): Buffer => dsse.preAuthEncoding(PAYLOAD_TYPE, payload);

/**
 * @throws SignatureInvalid MALFORMED, UNSUPPORTED.
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  const bundle = parseJson(bytes, 'the bundle');
  must(bundle['mediaType'] === MEDIA_TYPE, 'UNSUPPORTED', `the bundle is of type ${JSON.stringify(bundle['mediaType'])}, and ${MEDIA_TYPE} is known here`);
  const envelope = asObject(bundle['dsseEnvelope'], 'dsseEnvelope');
  must(envelope['payloadType'] === PAYLOAD_TYPE, 'UNSUPPORTED', `the payload is of type ${JSON.stringify(envelope['payloadType'])}, and ${PAYLOAD_TYPE} is known here`);
  const signatures = asList(envelope['signatures'], 'signatures');
  must(signatures.length === 1, 'MALFORMED', `the envelope has ${signatures.length} signatures, and a bundle has one`);
  return {
    material: parseMaterial(bundle['verificationMaterial']),
    payload: asBytes(envelope['payload'], 'payload'),
    signature: asBytes(asObject(signatures[0], 'signature')['sig'], 'sig'),
  };
}

function parseMaterial(value: unknown): Material {
  const material = asObject(value, 'verificationMaterial');
  const { publicKey, x509CertificateChain } = material;
  must(publicKey === undefined || x509CertificateChain === undefined, 'MALFORMED', 'the bundle names both a key and a certificate');
  if (publicKey !== undefined) {
    const { hint } = asObject(publicKey, 'publicKey');
    return { method: 'key', hint: hint === undefined || hint === null || hint === '' ? undefined : asText(hint, 'hint') };
  }
  must(x509CertificateChain !== undefined, 'UNSUPPORTED', 'the bundle was signed neither with a key nor with a certificate chain (keyless signing by Sigstore is not known here)');
  const chain = asList(asObject(x509CertificateChain, 'x509CertificateChain')['certificates'], 'certificates').map((one) => asBytes(asObject(one, 'certificate')['rawBytes'], 'rawBytes'));
  must(chain.length > 0 && chain.length <= MOST_CERTIFICATES, 'MALFORMED', `the chain has ${chain.length} certificates; 1 to ${MOST_CERTIFICATES} are read`);
  return { method: 'certificate', chain };
}

/** A longer chain is no chain but work for whoever checks it. */
export const MOST_CERTIFICATES = 10;

/** The bundle as it is kept in a file. */
export function formatBundle({ material, payload, signature }: Bundle): string {
  const said =
    material.method === 'key'
      ? { publicKey: { hint: material.hint ?? '' } }
      : { x509CertificateChain: { certificates: material.chain.map((der) => ({ rawBytes: der.toString('base64') })) } };
  return JSON.stringify({
    mediaType: MEDIA_TYPE,
    verificationMaterial: { ...said, tlogEntries: [] },
    dsseEnvelope: { payload: payload.toString('base64'), payloadType: PAYLOAD_TYPE, signatures: [{ sig: signature.toString('base64'), keyid: '' }] },
  });
}
