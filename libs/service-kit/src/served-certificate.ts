import type { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { Logger } from '@nestjs/common';
import type { BaseConfig } from './config.ts';

export type CertificateSettings = Pick<BaseConfig, 'HTTPS_CERT_FILE' | 'HTTPS_KEY_FILE'>;

/** A certificate with its chain, and its key, both in PEM. */
export interface ServedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What the service serves HTTPS with; undefined where somebody before it does, or nobody. @throws when a file cannot be read or the two do not fit. */
export async function servedCertificate({ HTTPS_CERT_FILE: certFile, HTTPS_KEY_FILE: keyFile }: CertificateSettings): Promise<ServedCertificate | undefined> {
  if (certFile === undefined || keyFile === undefined) return undefined;
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (cause) {
    throw new Error(`HTTPS_CERT_FILE (${certFile}) and HTTPS_KEY_FILE (${keyFile}) are no certificate and its key: ${(cause as Error).message}.`, { cause });
  }
}

/**
 * Takes over a renewed certificate from its files without a restart: new connections get it, those that are open go on. Files
 * that do not fit are told in the log, and the last good pair stays in use.
 * @returns how to stop looking.
 */
export function renewCertificate(server: HttpServer, settings: CertificateSettings, everyMs = 60_000): () => void {
  if (!(server instanceof HttpsServer)) return () => undefined;
  const log = new Logger('Certificate');
  let seen = '';
  const look = async (): Promise<void> => {
    const now = await ages(settings);
    if (now === seen) return;
    const renewed = await servedCertificate(settings);
    if (renewed) server.setSecureContext(renewed);
    if (seen !== '') log.log('the certificate was renewed');
    seen = now;
  };
  const timer = setInterval(() => void look().catch((error: Error) => log.warn(`${error.message} The one before stays in use.`)), everyMs);
  timer.unref();
  void look().catch(() => undefined); // it was read a moment ago
  return () => clearInterval(timer);
}

const ages = async ({ HTTPS_CERT_FILE, HTTPS_KEY_FILE }: CertificateSettings): Promise<string> =>
  (await Promise.all([HTTPS_CERT_FILE, HTTPS_KEY_FILE].map(async (file) => (await stat(file ?? '')).mtimeMs))).join(' ');
