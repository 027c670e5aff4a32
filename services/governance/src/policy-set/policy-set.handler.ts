import { create } from '@bufbuild/protobuf';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { streamName } from '@vitae/event-store';
import { Ledger, traceparent } from '@vitae/service-kit';
import { v7 as uuid } from 'uuid';
import { namedId } from '../named-id.handler.ts';
import { sha256 } from '../sha256.handler.ts';
import { lifecycleCore } from './lifecycle-core.ts';
import { policySet, policySetHash } from './policy-set.ts';
import { projectPolicySets } from './policy-sets.view.ts';

/** The project in whose name the installation itself speaks: a policy set belongs to no team. */
export const INSTALLATION = 'vitae';

/** Where a policy set's one event is, by its name and version. */
export const policySetStream = (name: string, version: string): string => streamName(policySet.category, namedId('policy-set', `${name}@${version}`));

/** Publishes the policies of this build when they are not yet published; starts no service with others under the same version. */
@Injectable()
export class PolicySetPublication implements OnApplicationBootstrap {
  constructor(private readonly ledger: Ledger) {}

  async onApplicationBootstrap(): Promise<void> {
    const set = lifecycleCore.policySet;
    await this.ledger.handle(
      policySet,
      {
        stream: policySetStream(set.name, set.version),
        command: { type: 'PublishPolicySet', policySet: set, hash: policySetHash(set, sha256) },
        subjects: [],
        context: {
          projectId: INSTALLATION,
          actor: create(ActorSchema, { id: 'governance', kind: ActorKind.SYSTEM }),
          reason: `governance started with policy set ${set.name} ${set.version}, which was not published yet`,
          occurredAt: new Date().toISOString(),
          correlationId: uuid(),
          causationId: '',
          traceparent: traceparent(),
        },
      },
      projectPolicySets,
    );
  }
}
