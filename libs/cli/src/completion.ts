import { Argument, type Command } from 'commander';
import { quoted, USUAL_RETRIES, type VitaeClient } from '@vitae/client';
import { callApiJson } from './api.ts';
import { completionScript, SHELLS, type Shell } from './completion/script.ts';
import { suggest, type Suggestion, type Wanted } from './completion/suggest.ts';
import { clientOf, type ProjectOptions } from './in-project.ts';
import { tokenFor } from './token-for.ts';

/** How long a key press may wait for a server, unless VITAE_COMPLETION_PATIENCE_MS says otherwise. Names are a help, and no answer is one, too. */
const PATIENCE_MS = Number(process.env['VITAE_COMPLETION_PATIENCE_MS']) || 1_000;

/** `vitae completion bash|zsh|fish`, and what the script asks at each press of the key. */
export function registerCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print a script that completes commands in your shell')
    .description('Prints a script for your shell: commands, options, their values, and the names of models and versions where the server answers at once.')
    .addArgument(new Argument('<shell>', 'which').choices([...SHELLS]))
    .addHelpText('after', '\nExamples:\n  $ source <(vitae completion bash)\n  $ vitae completion zsh > "${fpath[1]}/_vitae"\n  $ vitae completion fish > ~/.config/fish/completions/vitae.fish')
    .action((shell: Shell) => void process.stdout.write(completionScript(shell)));

  program
    .command('complete', { hidden: true })
    .argument('<words...>', 'behind --, the words of the command line, the last of them unfinished')
    .action(async (words: string[]) => {
      const found = await suggest(program, words.slice(1), names);
      if (found.length > 0) process.stdout.write(`${found.map(({ word, about }) => `${word}\t${about}`).join('\n')}\n`);
    });
}

/** Models, versions and dataset versions of the project that the words, or the environment, name. */
async function names(what: Wanted, begun: string, options: Readonly<Record<string, string>>): Promise<Suggestion[]> {
  const url = options['url'] ?? process.env['VITAE_URL'] ?? 'http://127.0.0.1:7400/api';
  const soon = AbortSignal.timeout(PATIENCE_MS);
  if (what === 'token') return tokens(url, soon).catch(() => []);
  const project = options['project'] ?? process.env['VITAE_PROJECT'];
  if (project === undefined) return [];
  const asking: ProjectOptions = { url, project, token: tokenFor(url, { renew: false }) };
  const client = clientOf(asking, { retry: { ...USUAL_RETRIES, retries: 0 }, fetch: (request, init) => fetch(request, { ...init, signal: soon }) });
  const asked = { model: models, version: versions, 'dataset-version': datasets }[what];
  return asked(client, begun).catch(() => []);
}

async function models(client: VitaeClient, begun: string): Promise<Suggestion[]> {
  const { items } = await client.models.page({ filter: beginsWith(begun), orderBy: 'name', limit: 50 });
  return items.map(({ name, task }) => ({ word: name, about: task }));
}

/** `credit` becomes credit/ and credit@, then their numbers and aliases. */
async function versions(client: VitaeClient, begun: string): Promise<Suggestion[]> {
  const [, model = begun, mark] = /^(.+)([/@])[^/@]*$/.exec(begun) ?? [];
  if (mark === '@') return Object.entries((await client.models.get(model)).aliases).map(([alias, version]) => ({ word: `${model}@${alias}`, about: `version ${version}` }));
  if (mark === '/') return (await client.versions.page({ model, orderBy: 'version DESC', limit: 50 })).items.map(({ version, state }) => ({ word: `${model}/${version}`, about: state }));
  const { items } = await client.models.page({ filter: beginsWith(begun), orderBy: 'name', limit: 50 });
  return items.flatMap(({ name, aliases }) => [{ word: `${name}/`, about: 'a version by number' }, ...Object.keys(aliases).map((alias) => ({ word: `${name}@${alias}`, about: `version ${aliases[alias]}` }))]);
}

async function datasets(client: VitaeClient, begun: string): Promise<Suggestion[]> {
  const [name = ''] = begun.split('/');
  const { items } = await client.datasets.page({ limit: 50, ...(name === '' ? {} : { search: name }) });
  return items.filter(({ latestVersion }) => latestVersion > 0).map(({ name: of, latestVersion, description }) => ({ word: `${of}/${latestVersion}`, about: description }));
}

/** The tokens that can still be revoked. */
async function tokens(url: string, signal: AbortSignal): Promise<Suggestion[]> {
  const { items } = await callApiJson<{ items: readonly { id: string; name: string; state: string }[] }>({ url, token: tokenFor(url, { renew: false }) }, 'governance/v1/api-tokens?limit=200', { signal });
  return items.filter(({ state }) => state === 'live').map(({ id, name }) => ({ word: id, about: name }));
}

const beginsWith = (begun: string): string => `name LIKE ${quoted(`${begun.replaceAll(/[\\%_]/g, '\\$&')}%`)}`;
