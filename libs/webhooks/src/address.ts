import { Refused } from '@vitae/event-store';
import ipaddr from 'ipaddr.js';

/**
 * Where a webhook may lead. Two questions at two times: what may be written down as a webhook's URL (checkAddress), and
 * which IP address may be connected to (forbidden), asked for each connection of the address that is then used.
 */

/** @throws Refused WEBHOOK_ADDRESS_REFUSED, saying what is wrong with the URL. */
export function checkAddress(url: string, { privateAllowed }: { readonly privateAllowed: boolean }): void {
  const no = (why: string): Refused => new Refused('WEBHOOK_ADDRESS_REFUSED', `A webhook cannot be sent to this address: ${why}.`, 422);
  if (!URL.canParse(url)) throw no('it is no URL; write https://host/path');
  const { protocol, username, password, hostname, host, hash } = new URL(url);
  if (protocol !== 'https:' && !(privateAllowed && protocol === 'http:')) throw no('it has to begin with https://');
  if (username !== '' || password !== '' || /^[a-z]+:\/\/[^/?#]*@/i.test(url)) throw no('a name or password in it would be kept for ever; messages are signed instead');
  if (hash !== '') throw no('what follows # is not sent');
  // 0x7f.1, 2130706433 or 127.1 all mean 127.0.0.1, and so do full-width digits. One way to write a host is enough.
  const written = /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1]?.toLowerCase() ?? '';
  if (written !== host && written !== `${host}:${protocol === 'https:' ? 443 : 80}`) throw no(`the host is written ${written}, which means ${host}; write it so`);
  const literal = ipLiteral(hostname);
  const why = literal === undefined || privateAllowed ? undefined : forbidden(literal);
  if (why !== undefined) throw no(why);
}

/** The address itself when a URL's host is one, without the brackets of IPv6. */
export function ipLiteral(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.isValid(bare) ? bare : undefined;
}

/**
 * Why an IP address is none of the public Internet, or undefined when it is: only such addresses may be sent to, so
 * that nobody reaches through us what stands behind our firewall (SSRF).
 */
export function forbidden(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return `${address} is no IP address`;
  const parsed = ipaddr.parse(address);
  const range = parsed instanceof ipaddr.IPv4 ? v4Range(parsed) : v6Range(parsed);
  return range === 'unicast' ? undefined : `${address} is not on the public Internet (${range})`;
}

/** The rule for every connection: `forbidden`, or for development on one machine none. @throws when that is asked for elsewhere. */
export function addressRule({ privateAllowed, local, service = 'ledger' }: { readonly privateAllowed: boolean; readonly local: boolean; readonly service?: string }): (address: string) => string | undefined {
  if (!privateAllowed) return forbidden;
  if (local) return () => undefined;
  throw new Error(`${service} cannot start: VITAE_WEBHOOK_ALLOW_PRIVATE lets strangers reach what stands behind the firewall; it is for VITAE_MODE=local only`);
}

/** Public by its number, and still the host's own: answers virtual machines of Azure with their configuration. */
const METADATA = '168.63.129.16';

function v4Range(address: ipaddr.IPv4): string {
  return address.toString() === METADATA ? 'cloud metadata' : address.range();
}

/** Where the IPv4 address stands in an IPv6 address that carries one. */
const INNER: Readonly<Record<string, number>> = { ipv4Mapped: 12, rfc6145: 12, rfc6052: 12, '6to4': 2 };

function v6Range(address: ipaddr.IPv6): string {
  const range = address.range();
  const at = INNER[range];
  if (range === 'rfc6052' && address.parts[2] !== 0) return 'a network of its own behind NAT64';
  if (at !== undefined) return v4Range(new ipaddr.IPv4(address.toByteArray().slice(at, at + 4)));
  // What IANA has not given out for the Internet is not unicast either, whatever the name of the range.
  const global = ((address.parts[0] ?? 0) & 0xe000) === 0x2000;
  return range === 'unicast' && !global ? 'not global' : range;
}
