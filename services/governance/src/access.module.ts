import { Module, type DynamicModule } from '@nestjs/common';
import { ApiTokenController } from './api-token/api-token.controller.ts';
import { ApiTokenHandler } from './api-token/api-token.handler.ts';
import { CALLER_OF, type CallerOf } from './api-token/caller.ts';
import { IntrospectionController } from './api-token/introspection.controller.ts';
import { PeopleController } from './person/people.controller.ts';

/** API tokens, introspection and people, for a composition root that can tell who calls. */
@Module({})
export class AccessModule {
  static with(callerOf: CallerOf<never>): DynamicModule {
    return {
      module: AccessModule,
      controllers: [ApiTokenController, IntrospectionController, PeopleController],
      providers: [ApiTokenHandler, { provide: CALLER_OF, useValue: callerOf }],
    };
  }
}
