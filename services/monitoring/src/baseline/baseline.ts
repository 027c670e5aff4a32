import { create } from '@bufbuild/protobuf';
import { BaselineActivatedSchema, type BaselineActivated } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { featureMessage, ruleMessage, type Features, type RuleNumbers } from './reference.ts';

/**
 * A baseline: the fixed bins of an endpoint's features, fitted once to a dataset version, and the rule that judges
 * windows against them. It never changes; another baseline of the endpoint takes its place.
 */
export type BaselineCommand = {
  readonly type: 'ActivateBaseline';
  readonly baselineId: string;
  readonly endpointId: string;
  readonly modelId: string;
  readonly datasetVersionId: string;
  readonly datasetDigest: string;
  /** '' for all rows. */
  readonly split: string;
  readonly rowCount: number;
  readonly features: Features;
  readonly rule: RuleNumbers;
};

export type BaselineState = 'none' | 'active';

export type BaselineRefusal = 'RULE_NEVER_JUDGES' | 'RULE_NEVER_FIRES' | 'RULE_THRESHOLDS_CROSSED';

const refuse = (reason: BaselineRefusal, message: string): never => {
  throw new Refused(reason, message, 422);
};

export const baseline: Decider<BaselineState, BaselineCommand, BaselineActivated> = {
  category: 'monitoring.Baseline',
  initial: 'none',
  decide(command, state) {
    if (state === 'active') return [];
    mustBeOfUse(command.rule);
    const { baselineId, endpointId, modelId, datasetVersionId, datasetDigest, split, rowCount, features, rule } = command;
    return [
      create(BaselineActivatedSchema, {
        baselineId,
        endpointId,
        modelId,
        datasetVersionId,
        datasetDigest,
        split,
        rowCount: BigInt(rowCount),
        features: features.map(([name, bins]) => featureMessage(name, bins)),
        rule: ruleMessage(rule),
      }),
    ];
  },
  evolve: () => 'active',
};

/** A rule under which no alert could ever be raised would be a promise that nobody keeps. */
function mustBeOfUse(rule: RuleNumbers): void {
  if (rule.minimumRows > rule.windowRows) {
    refuse('RULE_NEVER_JUDGES', `A window closes at ${rule.windowRows} rows and would need ${rule.minimumRows} to be judged. Set minimumRows to windowRows or less.`);
  }
  if (rule.fireWindows > rule.ofWindows) {
    refuse('RULE_NEVER_FIRES', `${rule.fireWindows} of the last ${rule.ofWindows} windows can never fire. Set fireWindows to ofWindows or less.`);
  }
  if (rule.psiCritical < rule.psiWarning) {
    refuse('RULE_THRESHOLDS_CROSSED', `The critical threshold ${rule.psiCritical} is under the warning threshold ${rule.psiWarning}. Set psiCritical to psiWarning or more.`);
  }
}
