export { claimPorts, freePort, portsFrom, serviceNames, type Ports, type ServiceName } from './ports.ts';
export { findNatsServer } from './find-nats-server.ts';
export { findS3Server, startS3, type S3Server } from './s3-server.ts';
export { startNats, type NatsOptions, type NatsServer } from './nats-server.ts';
export { startPostgres, type PostgresOptions, type PostgresServer } from './postgres-server.ts';
export { startSuite, type Suite, type SuiteOptions } from './suite.ts';
export type { Program, Supervised } from './supervisor.ts';
export type { SuiteSettings } from './services.ts';
