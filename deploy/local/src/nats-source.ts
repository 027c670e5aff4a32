/** One way to get nats-server onto this machine. Puts the binary at `target`; throws an Error that says why it could not. */
export interface NatsSource {
  readonly name: string;
  /** Under this name the cache keeps what the source made. */
  readonly cachedAs: string;
  fetch(into: NatsFetch): Promise<void>;
}

/** What a source is told. */
export interface NatsFetch {
  readonly target: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal;
}
