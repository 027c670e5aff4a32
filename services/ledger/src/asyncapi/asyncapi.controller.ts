import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { eventRegistry } from '@vitae/contracts';
import { Public } from '@vitae/service-kit';
import { ASYNCAPI_JSON, asyncApi } from './asyncapi.ts';

/** The contract of all events, for whoever subscribes. */
@ApiTags('subscriptions')
@Controller()
@Public('what events may look like, and nothing of any that happened')
export class AsyncApiController {
  // All packages of the suite carry one version.
  readonly #document = asyncApi(eventRegistry, '0.1.0');

  @Get('asyncapi.json')
  @Header('content-type', ASYNCAPI_JSON)
  document(): object {
    return this.#document;
  }
}
