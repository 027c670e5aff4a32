import { Refused, type RefusalStatus } from '@vitae/event-store';
import { z } from 'zod';

/** `sha256:<hex>` of some bytes: the only name an artefact has. */
export const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'A digest is sha256: and 64 lower-case hexadecimal digits.');

/** Why bytes are not taken, or not given. */
export type ArtefactRefusal = 'ARTEFACT_NOT_FOUND' | 'ARTEFACT_EMPTY' | 'DIGEST_MISMATCH';

const refusal = (reason: ArtefactRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

export const artefactNotFound = (named: string): Refused =>
  refusal('ARTEFACT_NOT_FOUND', 404, `There are no bytes with digest ${named} in this project. Upload them first: POST …/artefacts.`);

export const artefactEmpty = (): Refused =>
  refusal('ARTEFACT_EMPTY', 422, 'The body was empty, so there is nothing to keep. Send the file itself as the body of the request.');

export const digestMismatch = (declared: string, actual: string): Refused =>
  refusal(
    'DIGEST_MISMATCH',
    422,
    `Vitae-Digest said ${declared}, but the bytes that arrived have ${actual}. Nothing was kept; send them again, or correct the header.`,
  );
