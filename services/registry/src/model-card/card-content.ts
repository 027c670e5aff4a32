/** What a card says in words, and what people call the model elsewhere. Texts are Markdown, and empty when nothing is said. */
export interface CardContent {
  readonly summary: string;
  readonly intendedUse: string;
  readonly users: string;
  readonly outOfScopeUse: string;
  readonly limitations: string;
  readonly tradeoffs: string;
  readonly ethicalConsiderations: string;
  readonly fairness: string;
  readonly trainingData: string;
  readonly evaluation: string;
  /** What belongs to no other section. */
  readonly notes: string;
  /** Of the model; that of its data is the dataset's. */
  readonly licence: string;
  readonly libraryName: string;
  readonly tags: readonly string[];
  readonly languages: readonly string[];
  readonly baseModels: readonly string[];
  /** Front matter of an imported card that Vitae has no word for, each value as JSON. */
  readonly extra: readonly { readonly key: string; readonly json: string }[];
}
