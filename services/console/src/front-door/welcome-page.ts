/** The style of the page: the one that its Content-Security-Policy knows by its hash. */
export const pageStyle = `
:root { color-scheme: light dark; --ink: #1c2430; --quiet: #55606e; --paper: #f7f7f4; --card: #fff; --line: #d5d8dc; --accent: #14548c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --quiet: #a8b0ba; --paper: #14181d; --card: #1d2329; --line: #39424c; --accent: #8bbdf0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: clamp(1.5rem, 6vw, 5rem) 1.25rem; }
h1 { font-size: 2.25rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .5rem; }
h2 { font-size: 1.125rem; margin: 0 0 .5rem; }
p { margin: 0 0 1rem; }
.quiet { color: var(--quiet); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem 1.5rem; margin-top: 1.5rem; }
ul { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .25rem 1rem; }
a { color: var(--accent); text-underline-offset: .2em; }
.button { display: inline-block; font: inherit; font-weight: 600; padding: .55rem 1.1rem; border: 2px solid var(--accent); border-radius: .5rem; background: var(--accent); color: var(--card); text-decoration: none; cursor: pointer; }
.plain { background: transparent; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
section > :last-child, form { margin-bottom: 0; }
`;

export interface Welcome {
  readonly services: readonly string[];
  /** Absolute, at the address that the issuer sends people back to. */
  readonly loginUrl: string;
  /** Who is logged in. */
  readonly person?: { readonly name: string; readonly until: string; readonly csrfToken: string } | undefined;
}

/** What somebody sees who opens the front door in a browser. No script, nothing from elsewhere. */
export const welcomePage = ({ services, loginUrl, person }: Welcome): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Vitae</title><style>${pageStyle}</style></head>
<body><main>
<h1>Vitae</h1>
<p class="quiet">The system of record for AI models in production. This is its front door: programs and people come in here.</p>
<section aria-labelledby="who"><h2 id="who">${person ? `You are logged in as ${escaped(person.name)}` : 'You are not logged in'}</h2>
${person ? loggedIn(person) : `<p>Reading needs a login, too.</p><p><a class="button" href="${escaped(loginUrl)}">Log in</a></p>`}</section>
<section aria-labelledby="api"><h2 id="api">The services and their OpenAPI documents</h2>
<ul>${services.map((service) => `<li><a href="/api/${escaped(service)}/openapi.json">${escaped(service)}</a></li>`).join('')}</ul></section>
</main></body>
</html>
`;

const loggedIn = ({ until, csrfToken }: NonNullable<Welcome['person']>): string =>
  `<p>Unless you go on working, until <time datetime="${escaped(until)}">${escaped(until.slice(0, 16).replace('T', ' '))} UTC</time>.</p>
<form method="post" action="/auth/logout"><input type="hidden" name="csrf" value="${escaped(csrfToken)}"><button class="button plain">Log out</button></form>`;

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
