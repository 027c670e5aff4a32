import { describe, expect, it } from '@jest/globals';
import { Readiness } from './readiness.ts';

describe('readiness', () => {
  it('holds while every check holds, and shows what they tell', async () => {
    const readiness = new Readiness();
    readiness.register('database', async () => {});
    readiness.register('model', async () => ({ loaded: 3 }));
    expect(await readiness.report()).toEqual({ ready: true, draining: false, checks: [{ name: 'database', ok: true }, { name: 'model', ok: true, loaded: 3 }] });
  });

  it('ends with the first failing check, and says why', async () => {
    const readiness = new Readiness();
    readiness.register('database', async () => Promise.reject(new Error('connection refused')));
    expect(await readiness.report()).toMatchObject({ ready: false, checks: [{ name: 'database', ok: false, detail: 'connection refused' }] });
  });

  it('ends for good when the service drains, whatever the checks say', async () => {
    const readiness = new Readiness();
    readiness.drain();
    expect(await readiness.report()).toMatchObject({ ready: false, draining: true });
  });

  it('refuses two checks of one name', () => {
    const readiness = new Readiness();
    readiness.register('model', async () => {});
    expect(() => readiness.register('model', async () => {})).toThrow('the readiness check model is registered already');
  });
});
