import { describe, expect, it } from '@jest/globals';
import { pathFault } from './path-fault.ts';

describe('the target of a request', () => {
  it.each([
    '/', '/v2/models/credit/infer', '/api/registry/v1/projects/p/models?limit=3&search=a%2Fb', '/api/registry/v1/projects/p/datasets/a%2Fb/versions', '/api/registry/v1/x/', "/api/a:b@c!$&'()*+,;=-._~",
    '/api/registry/v1/...', '/api/registry/v1/a..b', '/api/registry/%252e%252e/x', '/x?q=../..//\\', '/x?', '/api/registry/v1/caf%C3%A9',
  ])('has one reading: %s', (target) => expect(pathFault(target)).toBeUndefined());

  it.each([
    ['/api/registry/../runtime/admin', /dot segment/],
    ['/api/runtime/./admin', /dot segment/],
    ['/api/registry/..', /dot segment/],
    ['/api/registry/%2e%2e/runtime', /dot segment/],
    ['/api/registry/.%2E/runtime', /dot segment/],
    ['/api/registry/..%2fadmin', /dot segment/],
    ['/api/registry/x%2f..%2f..%2fadmin', /dot segment/],
    ['/api/runtime//admin', /empty segment/],
    ['//evil.example/api', /empty segment/],
    ['/api\\runtime\\admin', /percent-encoded/],
    ['/api/runtime/..%5cadmin', /may not stand/],
    ['/api/runtime/%00admin', /may not stand/],
    ['/api/runtime/admin%0d%0aX: y', /may not stand/],
    ['/api/runtime/%09admin', /may not stand/],
    ['/api/registry/metrics#x', /may not stand/],
    ['/api/registry/x?q#y', /may not stand/],
    ['/api/registry/%zz', /not percent-encoded/],
    ['/api/registry/%', /not percent-encoded/],
    ['/api/registry/%c0%ae%c0%ae/x', /not percent-encoded/],
    ['/api/registry/\xe9', /has to be percent-encoded/],
    ['/api/registry/{id}', /has to be percent-encoded/],
    ['http://evil.example/api/registry', /may not stand/],
    ['*', /may not stand/],
    ['', /may not stand/],
  ])('is refused: %s', (target, why) => expect(pathFault(target)).toMatch(why));
});
