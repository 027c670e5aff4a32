import { Refused, type RefusalStatus } from '@vitae/event-store';

/** An upload in pieces: what was said of it when it began, and how far it is. */
export interface UploadSession {
  readonly id: string;
  readonly projectId: string;
  /** How many bytes will come in all. */
  readonly sizeBytes: number;
  /** How many are here, and on disk. */
  readonly offset: number;
  /** The digest that the sender announced. */
  readonly declared?: string | undefined;
  /** Set once all bytes came and were kept under it. */
  readonly digest?: string | undefined;
  /** When it is forgotten unless more bytes come: milliseconds since 1970. */
  readonly expiresAt: number;
}

/** How long a session waits for more bytes. */
export const SESSION_MS = 24 * 60 * 60 * 1000;

export type UploadRefusal = 'UPLOAD_NOT_FOUND' | 'UPLOAD_IN_USE' | 'UPLOAD_OFFSET_MISMATCH';

const refusal = (reason: UploadRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

export const uploadNotFound = (id: string): Refused =>
  refusal('UPLOAD_NOT_FOUND', 404, `There is no upload ${id} in this project: it was ended, its bytes were not what was announced, or nothing came for ${SESSION_MS / 3_600_000} hours. Begin a new one: POST …/artefact-uploads.`);

export const uploadInUse = (id: string): Refused =>
  refusal('UPLOAD_IN_USE', 409, `Another request is sending bytes to the upload ${id} at this moment. Let it end, ask with HEAD how far it came, and go on from there.`);

export const offsetMismatch = (id: string, said: number, offset: number): Refused =>
  refusal('UPLOAD_OFFSET_MISMATCH', 409, `The upload ${id} has ${offset} bytes, and Upload-Offset said ${said}. Go on from byte ${offset}.`);
