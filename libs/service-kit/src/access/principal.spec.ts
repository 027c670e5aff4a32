import { describe, expect, it } from '@jest/globals';
import { claims } from './claims.ts';
import { grantsDocument, grantsOf } from './grants.ts';
import { machineOf, personOf, workloadOf } from './principal-of.ts';
import { belongsTo, INSTALLATION, loggedInRecently, may, mayHandOn, permissionsIn, type Grant, type Principal } from './principal.ts';

const human = (...grants: readonly Grant[]): Principal => ({ kind: 'human', id: 'psn_1', onBehalfOf: '', grants });
const inCredit = human({ role: 'ml-engineer', projects: ['credit'] });
const everywhere = human({ role: 'platform-engineer', projects: ['*'] });

describe('a principal', () => {
  it('may what a role gives, in the projects of the grant', () => {
    expect(may(inCredit, 'model.register', 'credit')).toBe(true);
    expect(may(inCredit, 'model.register', 'fraud')).toBe(false);
    expect(may(inCredit, 'approval.model-risk', 'credit')).toBe(false);
    expect([belongsTo(inCredit, 'credit'), belongsTo(inCredit, 'fraud')]).toEqual([true, false]);
  });

  it('reaches the whole installation by a grant on all projects alone', () => {
    expect(may(inCredit, 'history.read', INSTALLATION)).toBe(false);
    expect(may(human({ role: 'auditor', projects: ['credit', 'fraud'] }), 'history.read', INSTALLATION)).toBe(false);
    expect(may(everywhere, 'history.read', INSTALLATION)).toBe(true);
    expect(may(everywhere, 'history.read', 'anything')).toBe(true);
  });

  it('may in some classes of environment what a role gives there', () => {
    expect(may(inCredit, 'rollout.start', 'credit', 'staging')).toBe(true);
    expect(may(inCredit, 'rollout.start', 'credit', 'production')).toBe(false);
    expect(may(human(...inCredit.grants, ...everywhere.grants), 'rollout.start', 'credit', 'production')).toBe(true);
  });

  it('never has as a machine what is for people, whatever its grants say', () => {
    const grants: Grant[] = [{ role: 'risk-officer', projects: ['*'] }, { permissions: ['approval.model-risk'], projects: ['*'] }];
    for (const kind of ['machine', 'service'] as const) expect(may({ kind, grants }, 'approval.model-risk', 'credit')).toBe(false);
    expect(may({ kind: 'human', grants }, 'approval.model-risk', 'credit')).toBe(true);
  });

  it('hands on to a token what it holds in every class, and no right of people', () => {
    expect(mayHandOn(inCredit, 'model.register', 'credit')).toBe(true);
    expect(mayHandOn(inCredit, 'rollout.start', 'credit')).toBe(false); // a token is bound to no class
    expect(mayHandOn(everywhere, 'rollout.start', 'credit')).toBe(true);
    expect(mayHandOn(human({ role: 'risk-officer', projects: ['*'] }), 'approval.model-risk', 'credit')).toBe(false);
    expect(mayHandOn({ ...everywhere, kind: 'machine' }, 'rollout.start', 'credit')).toBe(false); // tokens make no tokens
  });

  it('counts a login as recent for a quarter of an hour', () => {
    const now = 1_800_000_000;
    expect([0, 900, 901].map((age) => loggedInRecently({ authTime: now - age }, now))).toEqual([true, true, false]);
    expect(loggedInRecently({}, now)).toBe(false);
  });

  it('with the permissions of a token has these and no others', () => {
    expect(permissionsIn({ kind: 'machine', grants: [{ permissions: ['registry.read', 'model.register'], projects: ['credit'] }] }, 'credit')).toEqual(['registry.read', 'model.register']);
  });
});

const document = grantsDocument.parse({
  grants: [
    { group: 'ml', role: 'ml-engineer', projects: ['credit'] },
    { client: 'nightly', role: 'data-scientist', projects: ['*'] },
    { client: 'vitae-deployment', role: 'service', projects: ['*'] },
    { subject: 'system:serviceaccount:vitae:runtime', role: 'service', projects: ['*'] },
  ],
});
const said = (more: object) => claims.parse({ iss: 'https://id.example', sub: 'u-1', exp: 2_000_000_000, ...more });

describe('who a token speaks for', () => {
  it('is a person under a pseudonym, with the roles of the groups', () => {
    expect(personOf(said({ groups: ['ml', 'staff'], name: 'Ben', email: 'ben@example.org', auth_time: 7 }), 'psn_9', document)).toEqual({
      kind: 'human', id: 'psn_9', onBehalfOf: '', authTime: 7, grants: [{ role: 'ml-engineer', projects: ['credit'] }],
    });
  });

  it.each([
    ['RFC 9068', { sub: 'nightly', client_id: 'nightly' }],
    ['Keycloak', { azp: 'nightly', preferred_username: 'service-account-nightly' }],
    ['Entra ID', { azp: 'nightly', idtyp: 'app' }],
    ['Auth0', { sub: 'nightly@clients', azp: 'nightly', gty: 'client-credentials' }],
  ])('is a machine where %s says so, with the grants of its client', async (_issuer, more) => {
    const { isMachine } = await import('./claims.ts');
    expect(isMachine(said(more))).toBe(true);
    expect(machineOf(said(more), document)).toEqual({ kind: 'machine', id: 'nightly', onBehalfOf: '', grants: [{ role: 'data-scientist', projects: ['*'] }] });
  });

  it('is no machine because a client asked on behalf of a person', async () => {
    const { isMachine } = await import('./claims.ts');
    expect(isMachine(said({ azp: 'nightly', client_id: 'nightly' }))).toBe(false);
  });

  it('is one of our services by a grant of that role', () => {
    expect(machineOf(said({ sub: 'vitae-deployment', client_id: 'vitae-deployment' }), document)).toMatchObject({ kind: 'service', id: 'vitae-deployment' });
    expect(workloadOf('system:serviceaccount:vitae:runtime', document)).toMatchObject({ kind: 'service', id: 'vitae.runtime' });
    expect(workloadOf('system:serviceaccount:other:runtime', document)).toMatchObject({ kind: 'machine', id: 'other.runtime', grants: [] });
  });

  it('has nothing by a group, client or subject that it does not have', () => {
    expect(grantsOf(document, { groups: [] })).toEqual([]);
    expect(grantsOf(document, { groups: ['nightly', 'system:serviceaccount:vitae:runtime'] })).toEqual([]);
  });

  it.each([[{}], [{ grants: [{ role: 'owner', projects: ['*'], group: 'g' }] }], [{ grants: [{ role: 'viewer', projects: ['*'] }] }], [{ grants: [{ role: 'viewer', projects: [], group: 'g' }] }], [{ grants: [{ role: 'viewer', projects: ['Credit'], group: 'g' }] }]])(
    'cannot be told by the document %j',
    (wrong) => expect(grantsDocument.safeParse(wrong).success).toBe(false),
  );
});
