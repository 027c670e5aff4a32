import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { v5 } from 'uuid';
import { signingTrust, type SigningTrustCommand, type SigningTrustEvent } from './signing-trust.ts';
import { projectSigningTrust } from './signing-trust.view.ts';

export class ForSigningTrust extends Command<Handled<SigningTrustEvent>> {
  constructor(
    readonly command: SigningTrustCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

const NAMESPACE = '0199a000-7654-7000-8000-766974616522';

/** A project has one such stream, so its id is made of the project's. MUST NOT change: stored streams carry it. */
const streamOf = (projectId: string): string => streamName(signingTrust.category, v5(`signing-trust/${projectId}`, NAMESPACE));

@CommandHandler(ForSigningTrust)
export class SigningTrustHandler implements ICommandHandler<ForSigningTrust> {
  constructor(private readonly ledger: Ledger) {}

  execute({ command, context }: ForSigningTrust): Promise<Handled<SigningTrustEvent>> {
    return this.ledger.handle(signingTrust, { stream: streamOf(context.projectId), command, context: because(context, reasonFor(command)), subjects: subjectsOf(command) }, projectSigningTrust);
  }
}

function reasonFor(command: SigningTrustCommand): string {
  switch (command.type) {
    case 'TrustSigningKey':
      return `Trusts ${command.name} to sign models.`;
    case 'DistrustSigningKey':
      return 'Trusts this key no longer to sign models.';
    case 'RequireModelSignatures':
      return 'Demands a signature of every model version.';
    case 'StopRequiringModelSignatures':
      return 'Demands no signatures of model versions any more.';
  }
}

const subjectsOf = (command: SigningTrustCommand): string[] => ('signingKeyId' in command ? [`signing-key:${command.signingKeyId}`] : []);
