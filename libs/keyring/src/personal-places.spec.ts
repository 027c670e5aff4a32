import { create, createFileRegistry, fromJson, setExtension, toJson, type DescMessage } from '@bufbuild/protobuf';
import {
  file_google_protobuf_descriptor,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { eventRegistry, GateDecidedSchema, personal } from '@vitae/contracts';
import { mayHoldPersonal, visitTexts } from './personal-places.ts';

const marked = create(FieldOptionsSchema);
setExtension(marked, personal, true);

/** A message with personal text everywhere that proto3 lets it be: no event of ours is as bad. */
function answerSheet(): DescMessage {
  const field = (name: string, number: number, more: object = {}) => ({ name, number, type: Type.STRING, label: Label.OPTIONAL, jsonName: name, ...more });
  const file = create(FileDescriptorProtoSchema, {
    name: 'sheet.proto',
    package: 'sheet',
    syntax: 'proto3',
    messageType: [
      {
        name: 'Sheet',
        oneofDecl: [{ name: 'choice' }],
        nestedType: [
          { name: 'NotesEntry', options: { mapEntry: true }, field: [field('key', 1), field('value', 2)] },
          { name: 'PartsEntry', options: { mapEntry: true }, field: [field('key', 1), field('value', 2, { type: Type.MESSAGE, typeName: '.sheet.Sheet' })] },
        ],
        field: [
          field('title', 1),
          field('comment', 2, { options: marked }),
          field('remarks', 3, { label: Label.REPEATED, options: marked }),
          field('notes', 4, { label: Label.REPEATED, type: Type.MESSAGE, typeName: '.sheet.Sheet.NotesEntry', options: marked }),
          field('child', 5, { type: Type.MESSAGE, typeName: '.sheet.Sheet' }),
          field('children', 6, { label: Label.REPEATED, type: Type.MESSAGE, typeName: '.sheet.Sheet' }),
          field('parts', 7, { label: Label.REPEATED, type: Type.MESSAGE, typeName: '.sheet.Sheet.PartsEntry' }),
          field('said', 8, { oneofIndex: 0, options: marked }),
          field('count', 9, { type: Type.INT64 }),
        ],
      },
      { name: 'Plain', field: [field('title', 1), field('plain', 2, { type: Type.MESSAGE, typeName: '.sheet.Plain' })] },
      { name: 'Around', field: [field('around', 1, { type: Type.MESSAGE, typeName: '.sheet.Around' }), field('sheet', 2, { type: Type.MESSAGE, typeName: '.sheet.Sheet' })] },
    ],
  });
  const registry = createFileRegistry(file, (name) => (name === file_google_protobuf_descriptor.name ? file_google_protobuf_descriptor : undefined));
  sheets = registry;
  return registry.getMessage('sheet.Sheet')!; // defined above
}
let sheets: ReturnType<typeof createFileRegistry>;

describe('visitTexts', () => {
  it('comes to every string, in fields, lists, maps, choices and messages within, and says where it is', () => {
    const schema = answerSheet();
    const sheet = fromJson(schema, {
      title: 't',
      comment: 'c',
      remarks: ['r0', 'r1'],
      notes: { 'a.b/c': 'n' },
      child: { comment: 'cc' },
      children: [{ comment: 'c0' }, { said: 'c1' }],
      parts: { p: { remarks: ['pr'] } },
      said: 's',
      count: '1',
    });
    const seen: Record<string, string> = {};
    visitTexts(schema, sheet, (text, { place, personal: isPersonal }) => {
      seen[place] = text;
      return isPersonal ? text.toUpperCase() : text;
    });
    expect(seen).toEqual({
      'payload.title': 't',
      'payload.comment': 'c',
      'payload.remarks.0': 'r0',
      'payload.remarks.1': 'r1',
      'payload.notes.a%2Eb%2Fc': 'n',
      'payload.child.comment': 'cc',
      'payload.children.0.comment': 'c0',
      'payload.children.1.said': 'c1',
      'payload.parts.p.remarks.0': 'pr',
      'payload.said': 's',
    });
    expect(toJson(schema, sheet)).toEqual({
      title: 't',
      comment: 'C',
      remarks: ['R0', 'R1'],
      notes: { 'a.b/c': 'N' },
      child: { comment: 'CC' },
      children: [{ comment: 'C0' }, { said: 'C1' }],
      parts: { p: { remarks: ['PR'] } },
      said: 'S',
      count: '1',
    });
  });

  it('knows which messages can hold personal text, also those that contain themselves', () => {
    expect(mayHoldPersonal(answerSheet())).toBe(true);
    expect(mayHoldPersonal(sheets.getMessage('sheet.Plain')!)).toBe(false);
    expect(mayHoldPersonal(sheets.getMessage('sheet.Around')!)).toBe(true);
  });
});

describe('the contracts', () => {
  it('keep personal text out of what gates decide on, so that decisions replay after an erasure', () => {
    expect(mayHoldPersonal(GateDecidedSchema)).toBe(false);
  });

  it('mark what people say in their own words', () => {
    const found: string[] = [];
    for (const type of eventRegistry) if (type.kind === 'message' && mayHoldPersonal(type)) found.push(type.typeName);
    expect(found.sort()).toEqual([
      'vitae.deployment.v1.RolloutRolledBack',
      'vitae.governance.v1.IncidentClosed',
      'vitae.governance.v1.IncidentReported',
      'vitae.governance.v1.RetirementCompleted',
      'vitae.governance.v1.RetirementProposed',
      'vitae.governance.v1.UseCaseDrafted',
      'vitae.ledger.v1.EvidenceExported',
      'vitae.ledger.v1.WebhookSubscribed',
      'vitae.registry.v1.Anonymisation',
      'vitae.registry.v1.DatasetVersionDeprecated',
      'vitae.registry.v1.DatasetVersionErased',
      'vitae.registry.v1.DatasetVersionQuarantineLifted',
      'vitae.registry.v1.DatasetVersionQuarantined',
      'vitae.registry.v1.DatasetVersionRegistered',
      'vitae.registry.v1.EvaluationInvalidated',
      'vitae.registry.v1.EvaluationReported',
      'vitae.registry.v1.LineageLinkDeclared',
      'vitae.registry.v1.LineageLinkWithdrawn',
      'vitae.registry.v1.ModelCardReturned',
      'vitae.registry.v1.ModelDeprecated',
      'vitae.registry.v1.ModelVersionDeprecated',
    ]);
  });
});
