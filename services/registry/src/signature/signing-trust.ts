import { create } from '@bufbuild/protobuf';
import {
  ModelSignaturesNotRequiredSchema,
  ModelSignaturesRequiredSchema,
  SigningKeyDistrustedSchema,
  SigningKeyTrustedSchema,
  type ModelSignaturesNotRequired,
  type ModelSignaturesRequired,
  type SigningKeyDistrusted,
  type SigningKeyTrusted,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';

/** A public key, or a certificate to which those of signers lead. */
export interface SigningKey {
  readonly signingKeyId: string;
  readonly method: 'key' | 'certificate';
  readonly pem: string;
  readonly name: string;
  readonly subject: string;
}

export type SigningTrustCommand =
  | ({ readonly type: 'TrustSigningKey' } & SigningKey)
  | { readonly type: 'DistrustSigningKey'; readonly signingKeyId: string }
  | { readonly type: 'RequireModelSignatures' }
  | { readonly type: 'StopRequiringModelSignatures' };
export type SigningTrustEvent = SigningKeyTrusted | SigningKeyDistrusted | ModelSignaturesRequired | ModelSignaturesNotRequired;
export type SigningTrustRefusal = 'SIGNING_KEY_UNUSABLE' | 'SIGNING_KEY_NOT_TRUSTED' | 'NO_SIGNING_KEY_TRUSTED' | 'LAST_SIGNING_KEY' | 'TOO_MANY_SIGNING_KEYS';

/** More than anybody needs; each is tried for signatures that do not say whose they are. */
const MOST_KEYS = 64;

interface State {
  /** Names by id. */
  readonly keys: ReadonlyMap<string, string>;
  readonly required: boolean;
}

/**
 * Whom a project believes when somebody signs a model, and whether every version must be signed.
 * Signatures are demanded only while somebody is trusted: otherwise nothing could be registered.
 */
export const signingTrust: Decider<State, SigningTrustCommand, SigningTrustEvent> = {
  category: 'registry.SigningTrust',
  initial: { keys: new Map(), required: false },
  decide(command, { keys, required }): readonly SigningTrustEvent[] {
    switch (command.type) {
      case 'TrustSigningKey': {
        const { type: _, ...key } = command;
        if (keys.has(key.signingKeyId)) return [];
        if (keys.size >= MOST_KEYS) throw refuse('TOO_MANY_SIGNING_KEYS', 409, `This project trusts ${keys.size} keys and certificates, and that is the most. Trust an authority's certificate instead of each signer's key.`);
        return [create(SigningKeyTrustedSchema, key)];
      }
      case 'DistrustSigningKey': {
        const name = keys.get(command.signingKeyId);
        if (name === undefined) throw refuse('SIGNING_KEY_NOT_TRUSTED', 404, `This project trusts no key or certificate ${command.signingKeyId}. GET …/signing-trust lists those that it does.`);
        if (required && keys.size === 1) throw refuse('LAST_SIGNING_KEY', 409, `${name} is the last that this project trusts, and it demands signatures: nothing could be registered any more. Trust another one first, or stop demanding.`);
        return [create(SigningKeyDistrustedSchema, { signingKeyId: command.signingKeyId, name })];
      }
      case 'RequireModelSignatures':
        if (keys.size === 0) throw refuse('NO_SIGNING_KEY_TRUSTED', 409, 'This project trusts nobody to sign models, so nothing could be registered any more. Trust a key or a certificate first: POST …/signing-trust/keys.');
        return required ? [] : [create(ModelSignaturesRequiredSchema)];
      case 'StopRequiringModelSignatures':
        return required ? [create(ModelSignaturesNotRequiredSchema)] : [];
    }
  },
  evolve(state, event): State {
    switch (event.$typeName) {
      case 'vitae.registry.v1.SigningKeyTrusted':
        return { ...state, keys: new Map([...state.keys, [event.signingKeyId, event.name]]) };
      case 'vitae.registry.v1.SigningKeyDistrusted':
        return { ...state, keys: new Map([...state.keys].filter(([id]) => id !== event.signingKeyId)) };
      case 'vitae.registry.v1.ModelSignaturesRequired':
        return { ...state, required: true };
      case 'vitae.registry.v1.ModelSignaturesNotRequired':
        return { ...state, required: false };
    }
  },
};

const refuse = (reason: SigningTrustRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

export const signingKeyUnusable = (why: string): Refused =>
  refuse('SIGNING_KEY_UNUSABLE', 422, `What was sent cannot be trusted to sign models: ${why}. Send one public key on P-256, P-384 or P-521, or one certificate, in PEM.`);
