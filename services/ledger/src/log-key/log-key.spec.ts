import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { LogKeyRotatedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { newSigner, rotationStatement, type Signer } from '@vitae/transparency';
import { logKey, type RotateLogKey } from './log-key.ts';

const origin = 'vitae.example/ledger/1';
const [first, second, third] = [newSigner(origin), newSigner(origin), newSigner(origin)];
const statement = (by: Signer, next: Signer): string => rotationStatement(origin, by, next.verifierKey);
const rotate = (old: Signer, next: Signer, more: Partial<RotateLogKey> = {}): RotateLogKey => ({
  type: 'RotateLogKey',
  origin,
  oldVerifierKey: old.verifierKey,
  newVerifierKey: next.verifierKey,
  statement: statement(old, next),
  ...more,
});
const rotated = (old: Signer, next: Signer) => create(LogKeyRotatedSchema, { oldVerifierKey: old.verifierKey, newVerifierKey: next.verifierKey, statement: statement(old, next) });

const given = specification(logKey);

describe('the key of the log', () => {
  it('is followed by the one it signed for', () => given([]).when(rotate(first, second)).then([rotated(first, second)]));
  it('is followed again', () => given([rotated(first, second)]).when(rotate(second, third)).then([rotated(second, third)]));
  it('stays when it is to follow itself', () => given([rotated(first, second)]).when(rotate(first, second)).then([]));
  it('is followed only from the one that signs now', () => given([rotated(first, second)]).when(rotate(first, third)).thenRefused('LOG_KEY_NOT_CURRENT'));
  it('never comes back', () => given([rotated(first, second)]).when(rotate(second, first)).thenRefused('LOG_KEY_USED_BEFORE'));
  it('has the name of the log', () => given([]).when(rotate(first, newSigner('vitae.example/other'))).thenRefused('LOG_KEY_STATEMENT_INVALID'));
  it('belongs to the log', () => given([]).when(rotate(newSigner('vitae.example/other'), second)).thenRefused('LOG_KEY_STATEMENT_INVALID'));
  it('is no key of a witness', () => given([]).when(rotate(first, newSigner(origin, 4))).thenRefused('LOG_KEY_STATEMENT_INVALID'));
  it('is introduced by the old one itself', () => given([]).when(rotate(first, second, { statement: statement(third, second) })).thenRefused('LOG_KEY_STATEMENT_INVALID'));
  it('is the one that was signed for', () => given([]).when(rotate(first, second, { statement: statement(first, third) })).thenRefused('LOG_KEY_STATEMENT_INVALID'));
});
