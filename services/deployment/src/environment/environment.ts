import { create } from '@bufbuild/protobuf';
import { Driver, EnvironmentClass, EnvironmentCreatedSchema, type EnvironmentCreated } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/** The classes by the names that callers use. */
export const environmentClasses = {
  development: EnvironmentClass.DEVELOPMENT,
  staging: EnvironmentClass.STAGING,
  production: EnvironmentClass.PRODUCTION,
} as const;
export type EnvironmentClassName = keyof typeof environmentClasses;
export const drivers = { local: Driver.LOCAL } as const;
export type DriverName = keyof typeof drivers;

export type EnvironmentCommand = {
  readonly type: 'CreateEnvironment';
  readonly environmentId: string;
  readonly name: string;
  readonly class: EnvironmentClassName;
  readonly driver: DriverName;
  readonly region: string;
};
export type EnvironmentState = 'absent' | 'created';
export type EnvironmentRefusal = 'ENVIRONMENT_NAME_TAKEN' | 'ENVIRONMENT_NOT_FOUND';

/** A place where models serve. It is made once; what serves in it is the endpoints' story. */
export const environment: Decider<EnvironmentState, EnvironmentCommand, EnvironmentCreated> = {
  category: 'deployment.Environment',
  initial: 'absent',
  decide(command, state) {
    if (state === 'created') return [];
    const { environmentId, name, region } = command;
    return [create(EnvironmentCreatedSchema, { environmentId, name, region, environmentClass: environmentClasses[command.class], driver: drivers[command.driver] })];
  },
  evolve: () => 'created',
};

const refusal = (reason: EnvironmentRefusal, message: string, status: 404 | 409): Refused => new Refused(reason, message, status);

/** Told by the database: names are one to a project. */
export const environmentNameTaken = (name: string): Refused =>
  refusal('ENVIRONMENT_NAME_TAKEN', `There is an environment named ${name} already. Use it, or choose another name.`, 409);

export const noSuchEnvironment = (name: string): Refused =>
  refusal('ENVIRONMENT_NOT_FOUND', `There is no environment ${name} in this project. GET …/environments lists them; POST …/environments creates one.`, 404);

/** The short name of a value of one of the enums above. */
export function shortName<Name extends string>(names: Readonly<Record<Name, number>>, value: number): Name {
  const found = (Object.keys(names) as Name[]).find((name) => names[name] === value);
  if (found === undefined) throw new Error(`the value ${value} has no name among ${Object.keys(names).join(', ')}`);
  return found;
}
