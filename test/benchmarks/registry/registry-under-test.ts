import type { Session } from '@vitae/local';

/** A registry that speaks MLflow's protocol, filled and running: ours, or MLflow's own server. */
export interface RegistryUnderTest {
  readonly name: string;
  readonly url: string;
  /** Of the process that was started; the others are its children. */
  readonly pid: number;
  /** Who may ask it; absent, it lets in whoever comes. */
  readonly as?: Session;
  /** The database behind it, by its name. */
  readonly database: string;
  stop(): Promise<void>;
}

/** One request, as it goes over the wire. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

/** What is asked of a registry, again and again; `n` counts the requests, so that no two that write are the same. */
export interface Operation {
  readonly name: string;
  /** Whether its goals are those of getting and setting (25 ms, flat). */
  readonly everyday: boolean;
  call(n: number): Call;
}
