/** What a list is sorted by: SQL that is never null. The last key MUST tell any two rows apart. */
export interface SortKey {
  readonly sql: string;
  readonly type: 'text' | 'bigint' | 'float8' | 'uuid' | 'timestamptz';
  readonly direction: 'asc' | 'desc';
}
