import { describe, expect, it } from '@jest/globals';
import { Command, Option } from 'commander';
import { suggest, type AskNames } from './suggest.ts';

function program(): Command {
  const all = new Command('vitae');
  const models = all.command('models').summary('the models');
  models.command('show').summary('show one').argument('<model>').option('--project <project>', 'where').option('--json', 'as JSON');
  models.command('compare').argument('<version...>').addOption(new Option('--format <format>', 'how').choices(['tree', 'dot'])).option('--with <model>', 'which');
  models.command('secret', { hidden: true });
  all.command('verify').argument('<what>');
  return all;
}
const asked: unknown[] = [];
const ask: AskNames = async (what, begun, options) => {
  asked.push([what, begun, options]);
  return ['credit', 'pricing'].map((word) => ({ word, about: what }));
};
const words = async (...line: string[]): Promise<string[]> => (await suggest(program(), line, ask)).map(({ word }) => word);

describe('what may come next', () => {
  it('is a command, then one below it, and none that is hidden', async () => {
    expect([await words(''), await words('m'), await words('models', '')]).toEqual([['models', 'verify'], ['models'], ['show', 'compare']]);
  });

  it('is an option, or what the option takes', async () => {
    expect(await words('models', 'show', '--')).toEqual(['--project', '--json', '--help']);
    expect(await words('models', 'compare', '--format', 'd')).toEqual(['dot']);
    expect(await words('models', 'compare', '--with', 'cr')).toEqual(['credit']);
    expect(await words('models', 'show', '--project', '')).toEqual([]);
  });

  it('is a name that the server knows, asked for in the project of the line', async () => {
    expect(await words('models', 'show', '--json', '--project=risk', 'pr')).toEqual(['pricing']);
    expect(asked.at(-1)).toEqual(['model', 'pr', { project: 'risk' }]);
    expect(await words('models', 'compare', 'credit', 'pricing', '')).toEqual(['credit', 'pricing']);
    expect(asked.at(-1)).toEqual(['version', '', {}]);
  });

  it('is up to the shell where nothing is known: files', async () => {
    expect([await words('verify', 'a'), await words('models', 'show', 'credit', '')]).toEqual([[], []]);
  });
});
