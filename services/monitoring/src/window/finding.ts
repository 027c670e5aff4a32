import { DriftEffect, type FeatureFinding } from '@vitae/contracts';

/** A finding as a reader of the API sees it. */
export interface FindingRow {
  readonly feature: string;
  readonly psi: number;
  readonly psiAboveNoise: number;
  readonly pValue: number;
  readonly qValue: number;
  readonly effect: 'none' | 'warning' | 'critical';
  readonly fires: boolean;
  readonly rows: number;
}

const EFFECTS: Readonly<Record<DriftEffect, FindingRow['effect']>> = {
  [DriftEffect.UNSPECIFIED]: 'none',
  [DriftEffect.NONE]: 'none',
  [DriftEffect.WARNING]: 'warning',
  [DriftEffect.CRITICAL]: 'critical',
};

export function findingRow({ feature, psi, psiAboveNoise, pValue, qValue, effect, fires, rows }: FeatureFinding): FindingRow {
  return { feature, psi, psiAboveNoise, pValue, qValue, effect: EFFECTS[effect], fires, rows: Number(rows) };
}
