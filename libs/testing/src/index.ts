export { eventually } from './eventually.ts';
export { freshDatabase, type FreshDatabase, type Template } from './fresh-database.ts';
export { freshNats, type FreshNats } from './fresh-nats.ts';
export { findS3Server, freshS3, type FreshS3 } from './fresh-s3.ts';
export { specification, type Given, type Rules } from './given-when-then.ts';
export { as, signed, specAccess, type SpecRights } from './spec-access.ts';
export { startSuite, type ServiceName, type Suite, type SuiteOptions } from '@vitae/local';
