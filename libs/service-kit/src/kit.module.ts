import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import { MikroORM as AnyMikroORM, EntityManager as AnyEntityManager } from '@mikro-orm/core';
import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Keyring } from '@vitae/keyring';
import { AccessAudit } from './access/access-audit.ts';
import { AccessGuard } from './access/access.guard.ts';
import { WhoAmIController } from './access/who-am-i.controller.ts';
import { ApiTokens } from './access/api-tokens.store.ts';
import { Introspection } from './access/introspection.client.ts';
import { People } from './access/people.store.ts';
import { RateLimits } from './access/rate-limits.store.ts';
import { ServiceToken } from './access/service-token.client.ts';
import { TokenReview } from './access/token-review.client.ts';
import { Broker } from './broker.ts';
import { CONFIG, type BaseConfig } from './config.ts';
import { Consumers } from './consumers.ts';
import { sqlOf } from './database.ts';
import { DEFINITION, type ServiceDefinition } from './definition.ts';
import { Ledger } from './ledger.ts';
import { QuietLogger } from './log.ts';
import { OperationsController } from './operations.controller.ts';
import { PersonalText } from './personal-text.interceptor.ts';
import { PersonalTexts } from './personal-texts.ts';
import { ProblemFilter } from './problem.filter.ts';
import { Readiness } from './readiness.ts';
import { RouteName } from './route-name.interceptor.ts';
import { SchemaPipe } from './validation.ts';

/** What boot opened for the service. */
export interface Opened {
  readonly orm?: MikroORM;
  readonly broker?: Broker;
  readonly keyring?: Keyring;
  readonly logging: DynamicModule;
}

/** Everything of the kit that can be injected, around the service's own module. */
@Module({})
export class KitModule {
  static around(definition: ServiceDefinition, config: BaseConfig, { orm, broker, keyring, logging }: Opened): DynamicModule {
    const readiness = new Readiness();
    const serviceToken = new ServiceToken(config);
    const providers: Provider[] = [
      { provide: DEFINITION, useValue: definition },
      { provide: CONFIG, useValue: config },
      { provide: Readiness, useValue: readiness },
      AccessAudit,
      RateLimits,
      { provide: ServiceToken, useValue: serviceToken },
      { provide: Introspection, useValue: new Introspection(config, serviceToken) },
      { provide: TokenReview, useValue: new TokenReview(config) },
    ];
    if (orm) {
      readiness.register('database', async () => {
        await sqlOf(orm.em.fork()).query('select 1');
      });
      for (const token of [MikroORM, AnyMikroORM]) providers.push({ provide: token, useValue: orm });
      for (const token of [EntityManager, AnyEntityManager]) providers.push({ provide: token, useValue: orm.em });
      providers.push(Ledger, PersonalTexts, People, ApiTokens);
    }
    if (broker) {
      readiness.register('broker', () => broker.check());
      providers.push({ provide: Broker, useValue: broker });
    }
    if (keyring) {
      readiness.register('keyring', () => keyring.check());
      providers.push({ provide: Keyring, useValue: keyring });
    }
    if (orm && broker) providers.push(Consumers);
    const exported = providers.map((provider) => (typeof provider === 'function' ? provider : provider.provide));
    return {
      module: KitModule,
      global: true,
      imports: [logging, DiscoveryModule, definition.module],
      controllers: [OperationsController, ...(definition.passesCredentialsOn ? [] : [WhoAmIController])],
      providers: [
        ...providers,
        QuietLogger,
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useClass: SchemaPipe },
        { provide: APP_INTERCEPTOR, useClass: RouteName },
        ...(orm ? [{ provide: APP_INTERCEPTOR, useClass: PersonalText }] : []),
      ],
      exports: exported,
    };
  }
}
