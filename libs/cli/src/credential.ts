/** What a command proves with who asks. */
export type Credential = 'VITAE_TOKEN' | 'VITAE_TOKEN_FILE' | 'session';

/** VITAE_TOKEN, else VITAE_TOKEN_FILE, else the session. No option takes a token: others on the machine read command lines. */
export function credentialOf(env: NodeJS.ProcessEnv = process.env): Credential {
  if (env['VITAE_TOKEN']) return 'VITAE_TOKEN';
  return env['VITAE_TOKEN_FILE'] ? 'VITAE_TOKEN_FILE' : 'session';
}
