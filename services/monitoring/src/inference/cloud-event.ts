import { z } from 'zod';
import { readRequest, readResponse, usableId, type RequestRows, type ResponseRows } from './oip-rows.ts';

/**
 * One half of an inference as KServe's logger sends it: CloudEvents 1.0, binary mode, request and response under one
 * id. The annotations say which variant answered; KServe puts them there from the pod, the Vitae runtime itself.
 */
const uuid = z.uuid();
const visible = z.string().regex(/^[\x21-\x7e]{1,256}$/, 'expected 1 to 256 visible ASCII characters');

const attributes = z.object({
  specversion: z.literal('1.0'),
  id: visible,
  type: z.enum(['org.kubeflow.serving.inference.request', 'org.kubeflow.serving.inference.response']),
  time: z.iso.datetime({ offset: true }).optional(),
  namespace: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected the project, 1 to 63 lower-case letters, digits and hyphens'),
  annotations: jsonText(
    z.object({ 'vitae.dev/endpoint-id': uuid, 'vitae.dev/variant-id': uuid, 'vitae.dev/model-version-id': uuid }),
  ),
  metadata: jsonText(z.object({ 'X-Request-Id': z.array(z.string()).optional() })).optional(),
});

export interface InferenceAttributes {
  readonly half: 'request' | 'response';
  readonly ceId: string;
  readonly ceType: string;
  readonly projectId: string;
  readonly endpointId: string;
  readonly variantId: string;
  readonly modelVersionId: string;
  /** When it happened, by the model server's clock; absent when it did not say. */
  readonly at?: string;
  /** The header X-Request-Id, if the model server saw one. */
  readonly headerId?: string;
}

/** What is wrong with an attribute: the header's name, and what was expected. */
export interface AttributeFault {
  readonly attribute: string;
  readonly detail: string;
}

/** Reads the attributes of an event. `read` gives a `ce-` header by its bare name. */
export function readAttributes(read: (name: string) => string | undefined): InferenceAttributes | readonly AttributeFault[] {
  const given = Object.fromEntries(NAMES.map((name) => [name, read(name)]));
  const parsed = attributes.safeParse(given);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => ({ attribute: `ce-${String(path[0])}`, detail: path.length > 1 ? `${path.slice(1).join('.')}: ${message}` : message }));
  }
  const { id, type, time, namespace, annotations, metadata } = parsed.data;
  const headerId = metadata?.['X-Request-Id']?.[0];
  return {
    half: type.endsWith('request') ? 'request' : 'response',
    ceId: id,
    ceType: type,
    projectId: namespace,
    endpointId: annotations['vitae.dev/endpoint-id'],
    variantId: annotations['vitae.dev/variant-id'],
    modelVersionId: annotations['vitae.dev/model-version-id'],
    ...(time === undefined ? {} : { at: time }),
    ...(headerId !== undefined && usableId.test(headerId) ? { headerId } : {}),
  };
}

/** The attributes that travel on, as headers of the stored message. */
export const NAMES = ['specversion', 'id', 'type', 'time', 'namespace', 'annotations', 'metadata'] as const;

/** A half as the inference stream holds it, its body read. */
export interface InferenceMessage extends Omit<InferenceAttributes, 'at' | 'half'> {
  /** Place in the stream, from 1. */
  readonly sequence: number;
  /** When the stream took it, in milliseconds since 1970: never smaller than that of an earlier message. */
  readonly receivedAt: number;
  readonly at: string;
  /** `rows` is undefined when the body could not be read. */
  readonly content: { readonly half: 'request'; readonly rows: RequestRows | undefined } | { readonly half: 'response'; readonly rows: ResponseRows | undefined };
}

/** Undefined for a message that this service did not write. */
export function readMessage(sequence: number, receivedAt: number, header: (name: string) => string | undefined, body: string): InferenceMessage | undefined {
  const read = readAttributes(header);
  if (!('half' in read)) return undefined;
  const { half, at, ...rest } = read;
  const content = half === 'request' ? { half, rows: readRequest(body) } : { half, rows: readResponse(body) };
  return { ...rest, sequence, receivedAt, at: new Date(at ?? receivedAt).toISOString(), content };
}

function jsonText<T extends z.ZodType>(inner: T) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'expected JSON' });
        return z.NEVER;
      }
    })
    .pipe(inner);
}
