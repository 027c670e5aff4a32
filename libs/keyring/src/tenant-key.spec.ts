import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TenantKey } from './tenant-key.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-tenant-key-'));
  file = join(directory, 'keys', 'tenant.key');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const owner = { keyId: '01990000-0000-7000-8000-000000000001', projectId: 'credit', person: 'paula' };
const key = randomBytes(32);
const line = (version: number) => `${version} ${randomBytes(32).toString('base64url')}\n`;

describe('the tenant key', () => {
  it('is made once, for its owner only, by however many processes start at the same time', async () => {
    await Promise.all(Array.from({ length: 8 }, () => TenantKey.create(file)));
    const made = readFileSync(file, 'utf8');
    await TenantKey.create(file);
    expect(readFileSync(file, 'utf8')).toBe(made);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'keys'))).toEqual(['tenant.key']);
  });

  it('unwraps what it wrapped, for that key, project and person alone', async () => {
    await TenantKey.create(file);
    const tenantKey = await TenantKey.open(file);
    const wrapped = tenantKey.wrap(key, owner);
    expect(Buffer.from(wrapped.wrapped).includes(key)).toBe(false);
    expect(await tenantKey.unwrap(wrapped, owner)).toEqual(key);
    for (const other of [{ ...owner, person: 'dana' }, { ...owner, projectId: 'fraud' }, { ...owner, keyId: owner.keyId.replace('1', '2') }]) {
      await expect(tenantKey.unwrap(wrapped, other)).rejects.toThrow('does not open with the tenant key');
    }
  });

  it('is rotated by a line more, which those that run already find when they need it', async () => {
    await TenantKey.create(file);
    const running = await TenantKey.open(file);
    const old = running.wrap(key, owner);
    appendFileSync(file, line(2));
    const restarted = await TenantKey.open(file);
    const wrapped = restarted.wrap(key, owner);
    expect([old.tenantKeyVersion, wrapped.tenantKeyVersion]).toEqual([1, 2]);
    expect(await running.unwrap(wrapped, owner)).toEqual(key);
    expect(await restarted.unwrap(old, owner)).toEqual(key);
  });

  it('says so when the version that is needed is gone', async () => {
    await TenantKey.create(file);
    const wrapped = (await TenantKey.open(file)).wrap(key, owner);
    writeFileSync(file, line(2));
    await expect((await TenantKey.open(file)).unwrap(wrapped, owner)).rejects.toThrow('has no version 1');
  });

  it.each([
    ['is empty', ''],
    ['is no key', 'hunter2\n'],
    ['is too short', `1 ${randomBytes(16).toString('base64url')}\n`],
    ['names a version twice', line(1) + line(1)],
  ])('refuses a file that %s, and shows nothing of it', async (_what, content) => {
    await TenantKey.create(file);
    writeFileSync(file, content);
    const message = await TenantKey.open(file).then(String, String);
    expect(message).toMatch(/^Error: .*tenant\.key/);
    for (const word of content.split(/\s/).filter((one) => one.length > 3)) expect(message).not.toContain(word);
  });
});
