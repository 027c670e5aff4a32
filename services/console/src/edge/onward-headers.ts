/** How a request reached the door. */
export interface Reached {
  /** The address of whoever connected. */
  readonly remote: string;
  readonly encrypted: boolean;
}

export interface Trust {
  /** How many proxies before the door may say for whom they ask. */
  readonly proxies: number;
  /** What the door is called, where somebody has said so; links are made of it and not of what a client calls it. */
  readonly origin: string | undefined;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Said by a client, nobody may believe them; said by the door, the services do. */
const CLAIMS = /^(x-forwarded($|-)|forwarded$|x-real-ip$|x-client-ip$|x-cluster-client-ip$|true-client-ip$|cf-connecting-ip$|x-original-|x-rewrite-url$|x-http-method)/;
/** Between two neighbours only (RFC 9110 7.6.1), or between browser and door. `te` and `upgrade` ask for what the door does not do. */
const NEIGHBOURLY = new Set(['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'trailer', 'upgrade', 'cookie', 'x-csrf-token']);

/** The headers of a request as they go on to a service. */
export function onwardHeaders(headers: Headers, reached: Reached, trust: Trust, prefix: string): Record<string, string | string[]> {
  const named = new Set(said(headers['connection']).split(',').map((name) => name.trim().toLowerCase()));
  const onward: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    const dropped = value === undefined || CLAIMS.test(name) || NEIGHBOURLY.has(name) || (named.has(name) && !FRAMING.has(name));
    if (!dropped) onward[name] = value;
  }
  const own = trust.origin === undefined ? undefined : new URL(trust.origin);
  onward['x-forwarded-for'] = callerOf(headers, reached, trust.proxies);
  onward['x-forwarded-proto'] = own?.protocol.replace(':', '') ?? (reached.encrypted ? 'https' : 'http');
  onward['x-forwarded-host'] = own?.host ?? said(headers['host']);
  onward['x-forwarded-prefix'] = prefix;
  return onward;
}

/** What says where a body ends is no choice of the client's. */
const FRAMING = new Set(['content-length', 'transfer-encoding', 'host']);

/**
 * Whose request it is: who connected; behind so many proxies the address that the first of them saw, counted from the right, for what
 * stands further left the client wrote itself.
 */
export function callerOf(headers: Headers, { remote }: Pick<Reached, 'remote'>, proxies: number): string {
  // An IPv4 address that came in by an IPv6 socket is the same caller.
  const connected = remote.replace(/^::ffff:(?=\d+\.)/, '');
  if (proxies === 0) return connected;
  const told = said(headers['x-forwarded-for']).split(',').map((part) => part.trim()).filter((part) => part !== '');
  const caller = told.at(-proxies) ?? told[0] ?? connected;
  return /^[0-9A-Fa-f:.]{2,45}$/.test(caller) ? caller : connected;
}

const said = (value: string | string[] | undefined): string => (Array.isArray(value) ? value.join(',') : (value ?? ''));
