// Who may ask the local provider for tokens. Pure.
import type { ClientMetadata } from 'oidc-provider';

/** What every access token is for. A resource indicator (RFC 8707) has to be a URI, an audience need not. */
export const audience = 'vitae';
export const apiResource = 'urn:vitae:api';

export const clientIdOf = (service: string): string => `vitae-${service}`;
export const consoleClient = clientIdOf('console');
export const cliClient = 'vitae-cli';

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';

/** The program on somebody's machine: it has no secret, and listens on a port of its choice while it waits for the browser. */
const cli: ClientMetadata = {
  client_id: cliClient,
  client_name: 'Vitae command line',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token', deviceCode],
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback'],
};

const service = (clientId: string, secret: string): ClientMetadata => ({
  client_id: clientId,
  client_name: clientId,
  client_secret: secret,
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
});

/** The front door is a service as the others are, and logs people in. */
const frontDoorClient = (secret: string, frontDoor: string): ClientMetadata => ({
  ...service(consoleClient, secret),
  client_name: 'Vitae console',
  application_type: 'web',
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types: ['code'],
  redirect_uris: [`${frontDoor}/auth/callback`],
  post_logout_redirect_uris: [frontDoor, `${frontDoor}/`],
});

/** @param secrets of the services, by client id. */
export function clients(secrets: Readonly<Record<string, string>>, frontDoor: string): ClientMetadata[] {
  const machines = Object.entries(secrets).map(([id, secret]) => (id === consoleClient ? frontDoorClient(secret, frontDoor) : service(id, secret)));
  return [cli, ...machines];
}
