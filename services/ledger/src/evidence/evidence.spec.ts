import { describe, expect, it } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import { EvidenceExportedSchema, eventToJson } from '@vitae/contracts';
import { evidence, type ExportEvidence } from './evidence.ts';
import { escaped, html, table } from './html.ts';
import { reportHtml } from './report.ts';
import { sealedPlaces, valueAt } from './sealed-places.ts';

const command: ExportEvidence = {
  type: 'ExportEvidence', evidenceId: '0199aaaa-0000-7000-8000-000000000001', recipient: 'the supervisor', subjects: ['model:m'], streams: [],
  asOfIndex: 7, checkpointSize: 9, events: 3, readableTexts: 1, sha256: 'a'.repeat(64), sizeBytes: 1_000,
};

describe('an export of evidence', () => {
  it('given a pack that was made, then it is an event that keeps its contract', () => {
    const { type: _, asOfIndex: __, checkpointSize: ___, sizeBytes: ____, ...same } = command;
    const events = evidence.decide(command, evidence.initial);
    expect(events).toEqual([create(EvidenceExportedSchema, { ...same, subjects: ['model:m'], streams: [], asOfIndex: 7n, checkpointSize: 9n, sizeBytes: 1_000n })]);
    expect(() => events.map(eventToJson)).not.toThrow();
  });

  it('given that it happened, then it does not happen again', () => {
    expect(() => evidence.decide(command, { exported: true })).toThrow('Under this Idempotency-Key a pack was exported before');
  });
});

describe('sealed places', () => {
  it('are where a text is sealed, however deep, and lead to what stands there', () => {
    const value = { payload: { a: ['x', { 'b/c~d': 'before enc:v1:k:e:p:x; after' }], n: 1, z: null }, metadata: { reason: 'enc:v1:…' } };
    expect(sealedPlaces(value)).toEqual(['/payload/a/1/b~1c~0d', '/metadata/reason']);
    expect(sealedPlaces(value).map((at) => valueAt(value, at))).toEqual(['before enc:v1:k:e:p:x; after', 'enc:v1:…']);
    expect(valueAt(value, '/payload/nothing/here')).toBeUndefined();
  });
});

describe('the report', () => {
  const hostile = `"><script>alert('x')</script><img src=x onerror=y>&amp;`;
  const about = {
    evidenceId: 'e', origin: hostile, projectId: 'credit', about: { subjects: ['model:m', hostile], streams: [] }, asOf: { index: 1 }, checkpoint: { size: 2, root: hostile },
    made: { at: hostile, by: hostile, for: hostile, reason: hostile }, streams: [], leftOut: [{ what: hostile, count: 1 }],
  };
  const types = ['governance.v1.GateDecided', 'governance.v1.ApprovalGranted', 'deployment.v1.TrafficShifted', 'governance.v1.IncidentReported', 'governance.v1.RetirementProposed', 'registry.v1.ModelRegistered', 'registry.v1.ModelVersionRegistered', 'ledger.v1.New'];

  it('given hostile words in every place, then they stay words', () => {
    const payload = {
      subject: { gate: hostile, environment: hostile, version: hostile, modelVersionId: hostile }, results: [{ policyId: hostile, title: hostile, outcome: hostile, reason: hostile }], permit: { expiresAt: hostile }, outcome: hostile,
      requestedBy: hostile, policySet: hostile, engine: hostile, role: hostile, expiresAt: hostile, endpointId: hostile, endpointName: hostile, environment: hostile, weights: [{ version: hostile, weight: 1, variantId: hostile }],
      severity: hostile, title: hostile, description: hostile, criterion: hostile, lesson: hostile, version: hostile, name: hostile, modelVersionId: hostile, [hostile]: { [hostile]: hostile },
    };
    const report = reportHtml(about, types.map((type, index) => ({ index, id: hostile, type: `vitae.${type}`, stream: hostile, revision: 1, recordedAt: hostile, actor: hostile, subjects: ['model:m'], payloadHash: hostile, payload, reason: hostile })));
    expect(report).toContain(escaped(hostile));
    expect(report.match(/<[a-z0-9]+/g)?.filter((tag) => !/^<(html|head|meta|title|style|body|h[123]|dl|dt|dd|p|code|table|thead|tbody|tr|t[hd]|details|summary|pre|span)$/.test(tag))).toEqual([]);
    expect(report).not.toMatch(/<[^>]*\son[a-z]+=/);
  });

  it('given events whose payload is empty, or is withheld, then it tells them all the same', () => {
    const odd = types.map((type, index) => ({ index, id: 'i', type: `vitae.${type}`, stream: 's', revision: 1, recordedAt: '2026-11-21T11:00:00.000000Z', actor: 'dana', subjects: [], payloadHash: 'f'.repeat(64) }));
    for (const payload of [undefined, {}]) {
      const report = reportHtml(about, odd.map((event) => ({ ...event, ...(payload ? { payload } : {}) })));
      for (const { index } of odd) expect(report).toContain(`<code>${index}</code> <code>ffffffffffff</code>`);
      expect(report.includes('[withheld]')).toBe(payload === undefined);
    }
  });

  it('escapes what is put into a template, and not what a template made', () => {
    expect(html`<p>${'<&'}${1}${[html`<b>${'"'}</b>`]}</p>`.html).toBe('<p>&lt;&amp;1<b>&quot;</b></p>');
    expect(table(['a'], []).html).toContain('None.');
  });
});
