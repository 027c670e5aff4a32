/** What browsers keep of one cookie with name and attributes is 4096 bytes. */
const CHUNK = 3_800;
/** More would not fit beside other headers into the 16 KiB that a request's may have. */
const MOST_CHUNKS = 3;

export interface CookieKind {
  readonly secure: boolean;
}

/** Over https a name that no other host and no plain http can write (`__Host-`); cookies of that name are the only ones believed there. */
export const sessionCookie = ({ secure }: CookieKind): string => `${secure ? '__Host-' : ''}vitae-session`;

/** One for each login under way, so that two tabs can log in at once. */
export const loginCookie = ({ secure }: CookieKind, state: string): string => `${loginCookiePrefix({ secure })}${state.slice(0, 16)}`;
export const loginCookiePrefix = ({ secure }: CookieKind): string => `${secure ? '__Host-' : ''}vitae-login-`;

/** The cookies of a request. Of two with one name the first counts. */
export function cookiesOf(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at).trim();
    if (at > 0 && !cookies.has(name)) cookies.set(name, pair.slice(at + 1).trim());
  }
  return cookies;
}

/** The sealed session of a request, put together again; '' when there are pieces that make no whole; undefined when there is none. */
export function sealedIn(cookies: ReadonlyMap<string, string>, name: string): string | undefined {
  const first = cookies.get(name);
  if (first === undefined) return undefined;
  const [, count, start] = /^([1-9])~(.*)$/.exec(first) ?? [];
  if (count === undefined || start === undefined) return '';
  const rest = Array.from({ length: Number(count) - 1 }, (_, index) => cookies.get(`${name}.${index + 1}`));
  return rest.includes(undefined) ? '' : [start, ...rest].join('');
}

/**
 * The Set-Cookie lines for a sealed session: in pieces when it outgrows one cookie; pieces that the browser still has of a larger
 * one are taken away. Undefined when it is larger than a request can carry.
 */
export function sessionLines(name: string, sealed: string, present: Iterable<string>, kind: CookieKind): readonly string[] | undefined {
  const pieces = Array.from({ length: Math.ceil(sealed.length / CHUNK) }, (_, index) => sealed.slice(index * CHUNK, (index + 1) * CHUNK));
  if (pieces.length > MOST_CHUNKS) return undefined;
  const kept = pieces.map((piece, index) => line(index === 0 ? name : `${name}.${index}`, index === 0 ? `${pieces.length}~${piece}` : piece, kind));
  const left = piecesOf(name, present).filter((piece) => piece !== name && Number(piece.slice(name.length + 1)) >= pieces.length);
  return [...kept, ...left.map((piece) => clearing(piece, kind))];
}

/** The Set-Cookie lines that take a session away. */
export const clearingLines = (name: string, present: Iterable<string>, kind: CookieKind): readonly string[] => piecesOf(name, present).map((piece) => clearing(piece, kind));

const piecesOf = (name: string, present: Iterable<string>): readonly string[] =>
  [...present].filter((other) => other === name || (other.startsWith(`${name}.`) && /^[1-9]$/.test(other.slice(name.length + 1))));

/** Without `maxAge` it is gone when the browser is. */
export const line = (name: string, value: string, { secure }: CookieKind, maxAge?: number): string =>
  `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`;

export const clearing = (name: string, kind: CookieKind): string => line(name, '', kind, 0);
