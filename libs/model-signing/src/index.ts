export { rootDigest, type DigestedFile } from './root-digest.ts';
export { SignatureInvalid, type SignatureFault } from './signature-invalid.ts';
export { keyId, parsePublicKey, publicPem } from './signing-key.ts';
export { nameOf, parseCertificates } from './certificate-chain.ts';
export { parseBundle, type Bundle, type Material } from './bundle.ts';
export { parseStatement, type Statement } from './statement.ts';
export { verifyModelSignature, type Trust, type VerifiedSignature } from './verify.ts';
export { signModel, type Signing } from './sign.ts';
