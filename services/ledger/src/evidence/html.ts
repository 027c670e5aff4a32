/** Text as it may stand in an HTML element or a quoted attribute. */
export const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');

/** HTML that is safe to put into a page. Made by `html` only. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Html[];

/** Everything put into the template is escaped, unless it was made by this function itself. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, i) => (i === 0 ? text : inserted(parts[i - 1] as Part) + text)).join('') };
}

function inserted(part: Part): string {
  if (typeof part === 'object') return 'html' in part ? part.html : part.map((one) => one.html).join('');
  return escaped(String(part));
}

export const NOTHING = html``;

/** Empty when there is no row. */
export function table(heads: readonly string[], rows: readonly (readonly Part[])[]): Html {
  if (rows.length === 0) return html`<p class="none">None.</p>`;
  const row = (cells: readonly Part[]): Html => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;
  return html`<table>\n<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>\n<tbody>\n${rows.map(row)}</tbody>\n</table>\n`;
}

/** No script and nothing from elsewhere can run or load in it, whatever the browser. */
export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; border-bottom: 1px solid #c9d1d9; } h3 { font-size: 1rem; margin-bottom: .3rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #e5e9ee; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 13px/1.4 ui-monospace, monospace; } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f8fa; padding: .6rem; }
.none, .note { color: #57606a; } .note { border-left: 3px solid #c9d1d9; padding-left: .8rem; } summary { cursor: pointer; }
@media print { details > pre { display: none; } }
</style>
</head>
<body>
${body}
</body>
</html>
`.html;
}
