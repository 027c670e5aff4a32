import { createTwoFilesPatch, diffArrays, diffLines, diffWordsWithSpace, type ChangeObject } from 'diff';
import { jsonChanges, type JsonChange } from './json-changes.ts';
import { variablesOf, type Message, type PromptContent } from './prompt.ts';

export interface Piece {
  readonly is: 'same' | 'added' | 'removed';
  readonly text: string;
}
export interface MessageDiff {
  readonly is: 'same' | 'changed' | 'added' | 'removed';
  /** Empty of a prompt that is one text. */
  readonly role: { readonly from?: string; readonly to?: string };
  readonly lines: readonly Piece[];
  readonly words: readonly Piece[];
}
export interface PromptDiff {
  readonly same: boolean;
  readonly type: { readonly from: string; readonly to: string };
  readonly messages: readonly MessageDiff[];
  readonly variables: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly modelConfig: readonly JsonChange[];
  readonly responseFormat: readonly JsonChange[];
}

/** Texts that differ more than this are told as one that went and one that came: finding the shortest way would take too long. */
const MOST_EDITS = 1_000;

/** What changed between two versions of a prompt: message by message, by lines and by words. */
export function promptDiff(from: PromptContent, to: PromptContent): PromptDiff {
  const [before, after] = [variablesOf(from), variablesOf(to)];
  const diff = {
    type: { from: from.template.type, to: to.template.type },
    messages: messageDiffs(messagesOf(from), messagesOf(to)),
    variables: { added: after.filter((name) => !before.includes(name)), removed: before.filter((name) => !after.includes(name)) },
    modelConfig: jsonChanges(from.modelConfig, to.modelConfig),
    responseFormat: jsonChanges(from.responseFormat, to.responseFormat),
  };
  const same = diff.type.from === diff.type.to && diff.messages.every(({ is }) => is === 'same') && diff.modelConfig.length === 0 && diff.responseFormat.length === 0;
  return { same, ...diff };
}

/** As `diff -u` tells it; a chat's messages stand one below the other, each under its role. */
export function unifiedDiff(from: PromptContent, to: PromptContent, names: { readonly from: string; readonly to: string }): string {
  const [before, after] = [asText(from), asText(to)];
  const patch = createTwoFilesPatch(names.from, names.to, before, after, undefined, undefined, { context: 3, maxEditLength: MOST_EDITS });
  if (patch !== undefined) return patch;
  const [gone, came] = [before, after].map((text) => text.replace(/\n$/, '').split('\n')) as [string[], string[]];
  return [`--- ${names.from}`, `+++ ${names.to}`, `@@ -1,${gone.length} +1,${came.length} @@`, ...gone.map((line) => `-${line}`), ...came.map((line) => `+${line}`), ''].join('\n');
}

const messagesOf = ({ template }: PromptContent): readonly Message[] => (template.type === 'chat' ? template.messages : [{ role: '', content: template.text }]);

function asText(content: PromptContent): string {
  const { template, modelConfig, responseFormat } = content;
  const text = template.type === 'text' ? template.text : template.messages.map((message) => `[${message.role}]\n${message.content}`).join('\n\n');
  const more = [['model config', modelConfig], ['response format', responseFormat]] as const;
  return `${[text, ...more.flatMap(([name, value]) => (value === null ? [] : [`[${name}]\n${JSON.stringify(value, null, 2)}`]))].join('\n\n').replace(/\n$/, '')}\n`;
}

/** Messages that stayed hold the others in place; of those in between the first that went and the first that came belong together. */
function messageDiffs(from: readonly Message[], to: readonly Message[]): readonly MessageDiff[] {
  const found: MessageDiff[] = [];
  let gone: Message[] = [];
  let came: Message[] = [];
  const settle = (): void => {
    for (let i = 0; i < Math.max(gone.length, came.length); i += 1) found.push(messageDiff(gone[i], came[i]));
    [gone, came] = [[], []];
  };
  for (const { added, removed, value } of diffArrays([...from], [...to], { comparator: (one, other) => one.role === other.role && one.content === other.content })) {
    if (removed) gone.push(...value);
    else if (added) came.push(...value);
    else {
      settle();
      found.push(...value.map((message) => messageDiff(message, message)));
    }
  }
  settle();
  return found;
}

function messageDiff(from: Message | undefined, to: Message | undefined): MessageDiff {
  const role = { ...(from ? { from: from.role } : {}), ...(to ? { to: to.role } : {}) };
  const [before, after] = [from?.content ?? '', to?.content ?? ''];
  if (from && to) {
    const options = { maxEditLength: MOST_EDITS };
    const is = from.role === to.role && before === after ? 'same' : 'changed';
    return { is, role, lines: pieces(before, after, diffLines(before, after, options)), words: pieces(before, after, diffWordsWithSpace(before, after, options)) };
  }
  const whole = pieces(before, after, undefined);
  return { is: from ? 'removed' : 'added', role, lines: whole, words: whole };
}

function pieces(before: string, after: string, changes: readonly ChangeObject<string>[] | undefined): readonly Piece[] {
  if (changes) return changes.map(({ added, removed, value }) => ({ is: added ? 'added' : removed ? 'removed' : 'same', text: value }));
  return [{ is: 'removed' as const, text: before }, { is: 'added' as const, text: after }].filter(({ text }) => text !== '');
}
