// What a card says. It is made of texts and lists; the facts of the version are shown beside it and are none of it.

/** The sections in the order in which they are read, each with its heading. */
export const SECTIONS = {
  summary: 'Summary',
  intendedUse: 'Intended use',
  users: 'Users',
  outOfScopeUse: 'Out-of-scope use',
  limitations: 'Limitations',
  tradeoffs: 'Trade-offs',
  ethicalConsiderations: 'Ethical considerations',
  fairness: 'Fairness',
  trainingData: 'Training data',
  evaluation: 'Evaluation',
  notes: 'Notes',
} as const;
export type Section = keyof typeof SECTIONS;
export const sections = Object.keys(SECTIONS) as readonly Section[];

/** Texts are Markdown, and empty when nothing is said. */
export interface CardContent extends Readonly<Record<Section, string>> {
  /** Of the model; that of its data is the dataset's. */
  readonly licence: string;
  readonly libraryName: string;
  readonly tags: readonly string[];
  readonly languages: readonly string[];
  readonly baseModels: readonly string[];
  /** Front matter of an imported card that Vitae has no word for, each value as JSON. */
  readonly extra: readonly { readonly key: string; readonly json: string }[];
}

export const EMPTY: CardContent = {
  summary: '', intendedUse: '', users: '', outOfScopeUse: '', limitations: '', tradeoffs: '', ethicalConsiderations: '', fairness: '', trainingData: '', evaluation: '', notes: '',
  licence: '', libraryName: '', tags: [], languages: [], baseModels: [], extra: [],
};

/** At most so many bytes of UTF-8 in a section; an event with all of them stays well under a message of the broker (1 MB). */
export const bytesOf = (section: Section): number => (section === 'notes' ? 65_536 : 16_384);

export const sameContent = (one: CardContent, other: CardContent): boolean => words(one) === words(other);

/** Everything that it says, in one order. */
const words = (content: CardContent): string => JSON.stringify([...sections.map((section) => content[section]), content.licence, content.libraryName, content.tags, content.languages, content.baseModels, content.extra.map(({ key, json }) => [key, json])]);
