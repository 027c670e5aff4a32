import type { Argument, Command, Option } from 'commander';

export interface Suggestion {
  readonly word: string;
  readonly about: string;
}

/** Things that only the server knows the names of. */
export type Wanted = 'model' | 'version' | 'dataset-version' | 'token';
export type AskNames = (what: Wanted, begun: string, options: Readonly<Record<string, string>>) => Promise<readonly Suggestion[]>;

/** By what an argument or the value of an option is called in the help. */
const NAMED: Readonly<Record<string, Wanted>> = { model: 'model', version: 'version', baseline: 'version', node: 'version', 'dataset-version': 'dataset-version', 'token-id': 'token' };

/**
 * What may stand in place of the last word. `words` are those behind the program's name; the last one is what has been
 * written of it, perhaps nothing. Where nothing is suggested the shell offers files.
 */
export async function suggest(program: Command, words: readonly string[], ask: AskNames): Promise<readonly Suggestion[]> {
  const begun = words.at(-1) ?? '';
  const { command, given, waiting, options } = follow(program, words.slice(0, -1));
  const fits = (found: readonly Suggestion[]): readonly Suggestion[] => found.filter(({ word }) => word.startsWith(begun));
  if (waiting) return fits(await valuesOf(waiting.argChoices, NAMED[/<([\w-]+)>/.exec(waiting.flags)?.[1] ?? ''], begun, options, ask));
  if (begun.startsWith('-')) return fits(optionsOf(command));
  const subcommands = command.createHelp().visibleCommands(command).filter((one) => one.name() !== 'help');
  if (subcommands.length > 0) return fits(subcommands.map((one) => ({ word: one.name(), about: one.summary() || one.description() })));
  const argument = argumentAt(command, given);
  return argument ? fits(await valuesOf(argument.argChoices, NAMED[argument.name()], begun, options, ask)) : [];
}

interface Followed {
  readonly command: Command;
  /** How many arguments of the command are there already. */
  readonly given: number;
  /** The option whose value comes next. */
  readonly waiting: Option | undefined;
  readonly options: Readonly<Record<string, string>>;
}

/** Where one is after these words. */
function follow(program: Command, words: readonly string[]): Followed {
  let [command, given] = [program, 0];
  let waiting: Option | undefined;
  const options: Record<string, string> = {};
  for (const word of words) {
    if (waiting) {
      options[waiting.attributeName()] = word;
      waiting = undefined;
    } else if (word.startsWith('-')) {
      const [flag = '', value] = word.split(/=(.*)/s, 2);
      const option = optionNamed(command, flag);
      if (option && value !== undefined) options[option.attributeName()] = value;
      else if (option?.required) waiting = option;
    } else {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (next) command = next;
      else given += 1;
    }
  }
  return { command, given, waiting, options };
}

const optionNamed = (command: Command, flag: string): Option | undefined => command.options.find(({ long, short }) => long === flag || short === flag);

function optionsOf(command: Command): Suggestion[] {
  return command.createHelp().visibleOptions(command).map((option) => ({ word: option.long ?? option.short ?? '', about: option.description }));
}

function argumentAt(command: Command, given: number): Argument | undefined {
  const at = command.registeredArguments[given];
  const last = command.registeredArguments.at(-1);
  return at ?? (last?.variadic ? last : undefined);
}

async function valuesOf(choices: readonly string[] | undefined, named: Wanted | undefined, begun: string, options: Readonly<Record<string, string>>, ask: AskNames): Promise<readonly Suggestion[]> {
  if (choices) return choices.map((word) => ({ word, about: '' }));
  return named ? ask(named, begun, options) : [];
}
