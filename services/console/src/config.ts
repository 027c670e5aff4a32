import { baseConfig, httpUrl, port, wholeNumber } from '@vitae/service-kit';
import { z } from 'zod';

/** Scheme, host and port alone, without a slash at the end. */
const origin = z
  .url({ protocol: /^https?$/ })
  .refine((text) => /^https?:\/\/[^/?#@]+\/?$/.test(text))
  .transform((text) => URL.parse(text)?.origin ?? '');

export const consoleConfig = baseConfig
  .extend({
    PORT: port(7400),
    REGISTRY_URL: httpUrl('http://127.0.0.1:7401'),
    GOVERNANCE_URL: httpUrl('http://127.0.0.1:7402'),
    DEPLOYMENT_URL: httpUrl('http://127.0.0.1:7403'),
    MONITORING_URL: httpUrl('http://127.0.0.1:7404'),
    LEDGER_URL: httpUrl('http://127.0.0.1:7405'),
    RUNTIME_URL: httpUrl('http://127.0.0.1:7406'),
    /** The address that people type. Tokens come back there, and what is not of there changes nothing. */
    VITAE_PUBLIC_URL: origin.optional().describe('the address of the front door as people reach it, such as https://vitae.example.org'),
    /** Who we are at the issuer when people log in. */
    VITAE_CLIENT_ID: z.string().min(1).default('vitae-console').describe('the id of the front door at the issuer'),
    VITAE_CLIENT_SECRET_FILE: z.string().min(1).optional().describe('the file with the secret of that client'),
    /** Who the command line is there. */
    VITAE_CLI_CLIENT_ID: z.string().min(1).default('vitae-cli').describe('the id of the command line at the issuer, a public client'),
    VITAE_OIDC_SCOPE: z
      .string()
      .regex(/^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$/)
      .default('openid profile email')
      .describe('scopes with spaces between, openid first'),
    /** Seals session cookies: one key a line, the first seals, all open. Made by itself in local mode. */
    VITAE_SESSION_KEY_FILE: z.string().min(1).optional().describe('a file with one or several lines of 32 random bytes in base64url'),
    VITAE_SESSION_IDLE_MINUTES: wholeNumber(30, 1, 24 * 60),
    VITAE_SESSION_HOURS: wholeNumber(12, 1, 7 * 24),
    /** How many proxies before us may say for whom they ask. 0: whoever connects is the caller. */
    VITAE_TRUSTED_PROXIES: wholeNumber(0, 0, 10),
    /** Web pages of elsewhere that may read answers, with a token of their own and never with our cookie. */
    VITAE_CORS_ORIGINS: z
      .string()
      .transform((text) => text.split(',').map((part) => part.trim()))
      .pipe(z.array(origin))
      .optional()
      .describe('exact origins with commas between, such as https://notebooks.example.org'),
    /** Largest body that is passed on, but for the registry, which counts the bytes of artefacts itself. */
    VITAE_MAX_BODY_BYTES: wholeNumber(64 * 1024 * 1024, 1_024, 1024 ** 4),
  })
  .superRefine((config, context) => {
    if (config.VITAE_MODE === 'local') return;
    const wrong = (variable: keyof typeof config) => context.addIssue({ code: 'custom', path: [variable], message: 'wrong' });
    for (const variable of ['VITAE_PUBLIC_URL', 'VITAE_SESSION_KEY_FILE', 'VITAE_CLIENT_SECRET_FILE'] as const) {
      if (config[variable] === undefined) wrong(variable);
    }
  });
export type ConsoleConfig = z.infer<typeof consoleConfig>;
