import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { nameOf, parseCertificates } from './certificate-chain.ts';
import { rootDigest, type DigestedFile } from './root-digest.ts';
import { SignatureInvalid } from './signature-invalid.ts';
import { signModel } from './sign.ts';
import { keyId, parsePublicKey } from './signing-key.ts';
import { verifyModelSignature, type Trust } from './verify.ts';

const VECTORS = fileURLToPath(new URL('../../../test/fixtures/model-signing/', import.meta.url));
const read = (name: string): Buffer => readFileSync(join(VECTORS, name));
const text = (name: string): string => read(name).toString();

const model: DigestedFile[] = readdirSync(join(VECTORS, 'model'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => join(parentPath, name))
  .map((path) => ({ path: path.slice(join(VECTORS, 'model/').length), digest: `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}` }));

const key = (name: string): KeyObject => parsePublicKey(text(`${name}.pub.pem`));
const at = new Date('2026-06-01T00:00:00Z');
const nobody: Trust = { keys: [], certificates: [], at };
const trusting = (...names: string[]): Trust => ({ ...nobody, keys: names.map(key) });
const below = (...names: string[]): Trust => ({ ...nobody, certificates: names.flatMap((name) => parseCertificates(text(`${name}.crt.pem`))) });

/** The fault with which a signature is refused; undefined when it holds. */
function fault(bundle: Uint8Array, trust: Trust, files = model): string | undefined {
  try {
    verifyModelSignature(bundle, files, trust);
    return undefined;
  } catch (error) {
    if (error instanceof SignatureInvalid) return error.fault;
    throw error;
  }
}

/** The same bundle with something else in it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- it is about bundles of any shape
function changed(name: string, change: (bundle: any) => void): Buffer {
  const bundle = JSON.parse(text(name));
  change(bundle);
  return Buffer.from(JSON.stringify(bundle));
}

describe("The reference implementation's signature", () => {
  it.each(['p256', 'p384', 'p521'])('with the key %s is verified, and says with which', (name) => {
    const verified = verifyModelSignature(read(`${name}.sig`), model, trusting('other', name));
    expect(verified).toMatchObject({ method: 'key', keyId: keyId(key(name)), signer: '', unsigned: [] });
    expect(verified.statement).toMatchObject({ name: 'model' });
    expect(new Map(verified.statement.files.map(({ path, digest }) => [path, digest]))).toEqual(new Map(model.map(({ path, digest }) => [path, digest])));
  });

  it('with a certificate is verified below its root, or below any authority on the way, and says whose it is', () => {
    const whose = nameOf(parseCertificates(text('leaf.crt.pem'))[0]!);
    expect(whose).toContain('CN=leaf');
    for (const trust of [below('root'), below('between'), below('leaf'), below('root-of-others', 'root')]) {
      expect(verifyModelSignature(read('leaf.sig'), model, trust)).toMatchObject({ method: 'certificate', signer: whose, keyId: keyId(key('p256')) });
    }
    expect(fault(read('self-signed.sig'), below('self-signed'))).toBeUndefined();
  });

  it('lists the files in an order of its own, so that its subject is not the root digest of the standard', () => {
    const { statement } = verifyModelSignature(read('p256.sig'), model, trusting('p256'));
    expect(statement.files.map(({ path }) => path)).toEqual(['README.md', 'a/x.bin', 'a-b/x.bin', 'config.json', 'weights.bin', '模型.bin']);
    expect(statement.subjectDigest).not.toBe(rootDigest(model));
  });

  it('that leaves a path out tells which files it does not speak of', () => {
    expect(verifyModelSignature(read('ignoring.sig'), model, trusting('p256')).unsigned).toEqual(['README.md']);
    expect(verifyModelSignature(read('p256.sig'), [...model, { path: '.github/workflow.yml', digest: `sha256:${'0'.repeat(64)}` }], trusting('p256')).unsigned).toEqual(['.github/workflow.yml']);
    expect(fault(read('p256.sig'), trusting('p256'), [...model, { path: 'a/.git', digest: `sha256:${'0'.repeat(64)}` }])).toBe('OTHER_FILES');
  });
});

describe('A signature is refused', () => {
  it('when nobody who is trusted made it', () => {
    expect(fault(read('p256.sig'), nobody)).toBe('UNTRUSTED');
    expect(fault(read('p256.sig'), trusting('other', 'p384'))).toBe('UNTRUSTED');
    expect(fault(read('p256.sig'), below('root', 'leaf'))).toBe('UNTRUSTED');
    expect(fault(read('leaf.sig'), trusting('p256'))).toBe('UNTRUSTED');
    expect(fault(read('leaf.sig'), below('root-of-others'))).toBe('UNTRUSTED');
    expect(fault(read('self-signed.sig'), below('root'))).toBe('UNTRUSTED');
  });

  it.each(['expired', 'not-for-signing', 'critical', 'by-a-leaf', 'too-deep'])('when its certificate does not count: %s', (name) => {
    expect(fault(read(`${name}.sig`), below('root'))).toBe('UNTRUSTED');
  });

  it('when the chain is right, and the time is not', () => {
    expect(fault(read('leaf.sig'), { ...below('root'), at: new Date('2019-12-31') })).toBe('UNTRUSTED');
    expect(fault(read('leaf.sig'), { ...below('root'), at: new Date('2120-01-02') })).toBe('UNTRUSTED');
    expect(fault(read('expired.sig'), { ...below('root'), at: new Date('2020-06-01') })).toBeUndefined();
  });

  it('when a certificate on the way is missing', () => {
    expect(fault(changed('leaf.sig', (bundle) => bundle.verificationMaterial.x509CertificateChain.certificates.splice(1)), below('root'))).toBe('UNTRUSTED');
  });

  it('when the model has other files', () => {
    const [first, ...others] = model as [DigestedFile, ...DigestedFile[]];
    const trust = trusting('p256');
    expect(fault(read('p256.sig'), trust, others)).toBe('OTHER_FILES');
    expect(fault(read('p256.sig'), trust, [...model, { path: 'more.bin', digest: first.digest }])).toBe('OTHER_FILES');
    expect(fault(read('p256.sig'), trust, [{ ...first, path: first.path.toUpperCase() + 'X' }, ...others])).toBe('OTHER_FILES');
    expect(fault(read('p256.sig'), trust, [{ ...first, digest: `sha256:${'0'.repeat(64)}` }, ...others])).toBe('OTHER_FILES');
  });

  it('in ways that are not known here', () => {
    expect(fault(read('shards.sig'), trusting('p256'))).toBe('UNSUPPORTED');
    expect(fault(read('blake2b.sig'), trusting('p256'))).toBe('UNSUPPORTED');
    expect(fault(changed('p256.sig', (bundle) => (bundle.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.1')), trusting('p256'))).toBe('UNSUPPORTED');
    expect(fault(changed('p256.sig', (bundle) => (bundle.verificationMaterial = { certificate: { rawBytes: 'AA==' } })), trusting('p256'))).toBe('UNSUPPORTED');
  });

  it('for every changed byte of what was signed, and of the signature', () => {
    const bundle = JSON.parse(text('p256.sig'));
    for (const [field, bytes] of [['payload', Buffer.from(bundle.dsseEnvelope.payload, 'base64')], ['sig', Buffer.from(bundle.dsseEnvelope.signatures[0].sig, 'base64')]] as const) {
      for (let i = 0; i < bytes.length; i += 1) {
        const forged = Buffer.from(bytes);
        forged[i] = (forged[i] ?? 0) ^ 1;
        const written = changed('p256.sig', ({ dsseEnvelope }) => (field === 'payload' ? (dsseEnvelope.payload = forged.toString('base64')) : (dsseEnvelope.signatures[0].sig = forged.toString('base64'))));
        expect(fault(written, trusting('p256'))).toBe('WRONG');
      }
    }
  });

  it('when another key is hinted at than made it', () => {
    const wrong = changed('p256.sig', (bundle) => (bundle.verificationMaterial.publicKey.hint = keyId(key('other'))));
    expect(fault(wrong, trusting('p256', 'other'))).toBe('WRONG');
  });

  it.each<[string, Buffer]>([
    ['is empty', Buffer.alloc(0)],
    ['is no JSON', Buffer.from('{')],
    ['is no object', Buffer.from('[]')],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['is deep', Buffer.from('['.repeat(100_000))],
    ['has no signature', changed('p256.sig', ({ dsseEnvelope }) => (dsseEnvelope.signatures = []))],
    ['has two', changed('p256.sig', ({ dsseEnvelope }) => dsseEnvelope.signatures.push(dsseEnvelope.signatures[0]))],
    ['has base64 that is none', changed('p256.sig', ({ dsseEnvelope }) => (dsseEnvelope.payload += '!'))],
    ['has two kinds of signers', changed('leaf.sig', ({ verificationMaterial }) => (verificationMaterial.publicKey = { hint: 'ab' }))],
    ['has no certificates', changed('leaf.sig', ({ verificationMaterial }) => (verificationMaterial.x509CertificateChain.certificates = []))],
    ['has a certificate that is none', changed('leaf.sig', ({ verificationMaterial }) => (verificationMaterial.x509CertificateChain.certificates[0].rawBytes = 'AAAA'))],
  ])('when the bundle %s', (_how, bundle) => {
    expect(fault(bundle, { ...trusting('p256'), ...below('root') })).toBe('MALFORMED');
  });

  it('that the oldest bundles carry no hint is no fault, if a trusted key made them', () => {
    const old = changed('p256.sig', (bundle) => {
      bundle.verificationMaterial.publicKey = { rawBytes: 'AA==', keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
      bundle.dsseEnvelope.signatures[0].keyid = null;
    });
    expect(fault(old, trusting('other', 'p384', 'p256'))).toBeUndefined();
    expect(fault(old, trusting('other'))).toBe('UNTRUSTED');
  });
});

describe('A signature of ours', () => {
  const privateKey = (name: string): KeyObject => createPrivateKey(text(`${name}.key.pem`));

  it.each(['p256', 'p384', 'p521'])('with the key %s is verified, and its subject is the root digest', (name) => {
    const bundle = Buffer.from(signModel({ name: 'model', files: model, privateKey: privateKey(name) }));
    const { statement } = verifyModelSignature(bundle, model, trusting(name));
    expect(statement.subjectDigest).toBe(rootDigest(model));
    expect(statement.files.map(({ path }) => path)).toEqual(['README.md', 'a-b/x.bin', 'a/x.bin', 'config.json', 'weights.bin', '模型.bin']);
  });

  it('with a certificate carries the chain', () => {
    const certificates = ['leaf', 'between'].flatMap((name) => parseCertificates(text(`${name}.crt.pem`)));
    const bundle = Buffer.from(signModel({ name: 'model', files: model, privateKey: privateKey('p256'), certificates }));
    expect(fault(bundle, below('root'))).toBeUndefined();
    expect(() => signModel({ name: 'model', files: model, privateKey: privateKey('other'), certificates })).toThrow(SignatureInvalid);
  });

  it('is made with no other kind of key, and of no empty model', () => {
    for (const { privateKey } of [generateKeyPairSync('ed25519'), generateKeyPairSync('ec', { namedCurve: 'secp256k1' })]) expect(() => signModel({ name: 'model', files: model, privateKey })).toThrow(SignatureInvalid);
    expect(() => signModel({ name: 'model', files: [], privateKey: privateKey('p256') })).toThrow(SignatureInvalid);
  });
});

describe('A key to be trusted', () => {
  it.each([
    ['is a private one', () => text('p256.key.pem')],
    ['is on a curve that signs no models', () => createPublicKey(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey).export({ type: 'spki', format: 'pem' }).toString()],
    ['is of another kind', () => createPublicKey(generateKeyPairSync('ed25519').privateKey).export({ type: 'spki', format: 'pem' }).toString()],
    ['is two', () => text('p256.pub.pem') + text('p384.pub.pem')],
    ['is none', () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
    ['is a certificate', () => text('leaf.crt.pem')],
  ])('is refused when it %s', (_what, pem) => {
    expect(() => parsePublicKey(pem())).toThrow(SignatureInvalid);
  });
});
