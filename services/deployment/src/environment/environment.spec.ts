import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { Driver, EnvironmentClass, EnvironmentCreatedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { environment, environmentClasses, shortName, type EnvironmentCommand } from './environment.ts';

const given = specification(environment);
const environmentId = '01990000-0000-7000-8000-000000000001';
const command: EnvironmentCommand = { type: 'CreateEnvironment', environmentId, name: 'production', class: 'production', driver: 'local', region: 'eu-central' };
const created = create(EnvironmentCreatedSchema, {
  environmentId,
  name: 'production',
  environmentClass: EnvironmentClass.PRODUCTION,
  driver: Driver.LOCAL,
  region: 'eu-central',
});

describe('an environment', () => {
  it('is created', () => given([]).when(command).then([created]));
  it('is created once', () => given([created]).when(command).then([]));
});

describe('shortName', () => {
  it('gives the name that callers use', () => expect(shortName(environmentClasses, EnvironmentClass.STAGING)).toBe('staging'));
});
