export { addressRule, checkAddress, forbidden, ipLiteral } from './address.ts';
export { openLanes, type Lanes } from './lanes.ts';
export { openPoster, type Posted, type Poster, type PosterOptions, type Resolve } from './poster.ts';
export { claimWebhook, countWaiting, leave, nextDelivery, noteAttempt, postpone, release, type Claim, type Due, type QueueTables } from './queue.ts';
export { consequence, REFUSALS_IN_A_ROW, REFUSED_TRIES, retryAfter, TRIES, type Attempt, type Consequence, type Tries } from './retry.ts';
export { openSealer, type Sealer, type SealerOptions } from './sealer.ts';
