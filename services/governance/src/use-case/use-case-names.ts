import { AiActClassSchema, DirectionSchema, RiskTierSchema, type AiActClass, type Direction, type RiskTier } from '@vitae/contracts';
import { shortNames } from '../short-names.ts';

/** low, medium, high, critical. */
export const riskTiers = shortNames<RiskTier>(RiskTierSchema);
/** minimal, limited, high-risk, prohibited. */
export const aiActClasses = shortNames<AiActClass>(AiActClassSchema);
/** at-least, at-most. */
export const directions = shortNames<Direction>(DirectionSchema);
