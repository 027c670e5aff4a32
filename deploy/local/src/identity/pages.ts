// The pages of the local provider: plain HTML without any script. Pure.
import { createHash } from 'node:crypto';
import { personas, type Persona } from './personas.ts';

const style = `
:root { color-scheme: light dark; --line: #8a8f98; --accent: #1a56b0; }
@media (prefers-color-scheme: dark) { :root { --accent: #8ab4f8; } }
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
ul { list-style: none; padding: 0; }
li { margin: .5rem 0; }
button { font: inherit; width: 100%; text-align: left; padding: .7rem 1rem; border: 1px solid var(--line); border-radius: .4rem; background: transparent; color: inherit; cursor: pointer; }
button:hover { border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
input[type=text] { font: inherit; padding: .6rem; width: 12rem; text-transform: uppercase; }
.note { border-left: 4px solid var(--line); padding-left: 1rem; }
code { font-size: 1.3em; }
`;

/** Of every page. The forms end in a redirect to whoever asked, on this machine, and browsers count that as the form's target. */
export const contentSecurityPolicy = [
  `default-src 'none'`,
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  `script-src`, // the library adds the hash of its own when it has to send a form on
  `form-action 'self' http://127.0.0.1:* http://localhost:*`,
  `frame-ancestors 'none'`,
  `base-uri 'none'`,
].join('; ');

const note = `<p class="note">This provider is for <strong>one machine</strong>: it asks for no password, so whoever uses this machine can be anybody here. It listens on this machine only. Elsewhere Vitae logs people in at your organisation's own provider.</p>`;

const page = (title: string, body: string): string =>
  `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)} - Vitae</title><style>${style}</style></head>\n<body><main><h1>${escaped(title)}</h1>\n${body}\n</main></body>\n</html>\n`;

/** @param action where the choice is posted to, as `persona`. @param current who is logged in already in this browser. */
export function choicePage(client: string, action: string, current: string | undefined, refusal?: string): string {
  const choice = ({ id, name, does }: Persona): string =>
    `<li><button name="persona" value="${id}">Continue as <strong>${escaped(name.split(' ')[0] ?? name)}</strong>, ${escaped(does)}${id === current ? ' (as you are now)' : ''}</button></li>`;
  return page(
    'Who are you?',
    `${refusal ? `<p role="alert">${escaped(refusal)}</p>` : ''}<p>${escaped(client)} asks who you are.</p>
<form method="post" action="${escaped(action)}"><ul>${personas.map(choice).join('\n')}</ul>
<button name="persona" value="">Cancel</button></form>
${note}`,
  );
}

/** `form` is the library's, with id op.deviceInputForm. */
export const codePage = (form: string, refusal: string | undefined): string =>
  page('Log in on another device', `<p${refusal ? ' role="alert"' : ''}>${escaped(refusal ?? 'Type the code that the other device shows.')}</p>\n${withoutScript(form)}\n<p><button form="op.deviceInputForm">Continue</button></p>\n${note}`);

export const confirmCodePage = (form: string, client: string, code: string): string =>
  page(
    'Is this the code?',
    `<p>${escaped(client)} shows this code:</p><p><code>${escaped(code)}</code></p><p>If it shows another one, or you have asked for nothing, cancel.</p>
${form}<p><button form="op.deviceConfirmForm">Yes, go on</button></p><p><button form="op.deviceConfirmForm" name="abort" value="yes">Cancel</button></p>`,
  );

export const logoutPage = (form: string): string =>
  page('Log out?', `${form}<p><button form="op.logoutForm" name="logout" value="yes">Yes, log me out</button></p><p><button form="op.logoutForm">No, stay</button></p>`);

export const plainPage = (title: string, text: string): string => page(title, `<p>${escaped(text)}</p>`);

export const errorPage = (error: string, description: string | undefined): string =>
  page('This did not work', `<p role="alert">${escaped(description ?? error)}</p><p>(${escaped(error)})</p><p>Go back to where you came from and begin to log in again.</p>`);

/** The library's field selects its text by an inline handler, which our policy does not let run. */
const withoutScript = (form: string): string => form.replace(/ onfocus="[^"]*"/, '').replace('name="user_code"', 'name="user_code" aria-label="Code"');

export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
