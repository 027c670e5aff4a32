import { Injectable, Logger, Optional } from '@nestjs/common';
import { hideIn, Keyring, SEAL } from '@vitae/keyring';
import type { Request } from 'express';
import { AccessAudit } from './access/access-audit.ts';
import type { KnownRequest } from './access/authenticate.ts';
import { may } from './access/principal.ts';

/** What is looked at of the request that is answered. */
type TextRequest = Pick<Request, 'params'> & KnownRequest;

/**
 * What people wrote, for those who may read it. Ledger, views and handlers hold it sealed; every answer passes through
 * here by the interceptor. Only what a route writes to the response by itself has to ask.
 */
@Injectable()
export class PersonalTexts {
  readonly #log = new Logger('PersonalTexts');

  constructor(
    private readonly audit: AccessAudit,
    @Optional() private readonly keyring?: Keyring,
  ) {}

  /** Whether there is any sealed text in a value that becomes JSON. */
  areIn(value: unknown): boolean {
    return ((JSON.stringify(value) as string | undefined) ?? '').includes(SEAL);
  }

  /**
   * The value as its JSON has it, with the text instead of what was sealed, or `[erased]`, or `[withheld]` (this reader
   * may not), or `[unreadable]` (no key at hand). Never an error: the rest of the value is good. Without sealed text in
   * it, the value itself.
   */
  async show<Value>(value: Value, request: TextRequest): Promise<Value> {
    const json = JSON.stringify(value) as string | undefined;
    if (!json?.includes(SEAL)) return value;
    const revealed = await (this.keyring?.reveal(json, (projectId) => this.#mayRead(request, projectId)) ?? Promise.resolve(hideIn(json))).catch((error: unknown) => {
      this.#log.warn({ err: error, msg: 'personal text could not be opened and was left out of an answer' });
      return hideIn(json);
    });
    return JSON.parse(revealed) as Value;
  }

  /**
   * Whether who asks may read what people wrote in a project. A text under a key of another project than the address names
   * is somebody's trick.
   */
  #mayRead({ params, principal }: TextRequest, projectId: string): boolean {
    const shownIn = params['projectId'];
    const mayRead = principal !== undefined && may(principal, 'personal-text.read', projectId) && (shownIn === undefined || shownIn === projectId);
    if (mayRead) this.audit.read({ principal, permission: 'personal-text.read', projectId });
    return mayRead;
  }
}
