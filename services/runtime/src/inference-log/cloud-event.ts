/** One answered inference, as it is told to monitoring. */
export interface LoggedInference {
  /** The same on request and response. */
  readonly ceId: string;
  /** X-Request-Id: what labels that come later name the request by. */
  readonly requestId: string;
  readonly endpointName: string;
  readonly endpointId: string;
  readonly projectId: string;
  readonly variantId: string;
  readonly modelVersionId: string;
  /** Of the request; it stands on both events, as KServe's logger does it. */
  readonly contentType: string;
  /** Address of the server: where it came from, not an identity. */
  readonly source: string;
  /** RFC 3339: arrival of the request, and when it was answered. */
  readonly requestedAt: string;
  readonly respondedAt: string;
}

export type Half = 'request' | 'response';

/**
 * The headers of one CloudEvents 1.0 event in binary mode, exactly as KServe's inference logger writes them
 * (kserve pkg/logger; reference/03 §3.1); the body goes with them as it was. Only answers with status 200 are logged.
 *
 * @param recordedAt RFC 3339, when it is sent.
 */
export function cloudEventHeaders(half: Half, inference: LoggedInference, recordedAt: string): Record<string, string> {
  return {
    'Content-Type': inference.contentType,
    'Ce-Specversion': '1.0',
    'Ce-Id': inference.ceId,
    'Ce-Type': `org.kubeflow.serving.inference.${half}`,
    'Ce-Source': inference.source,
    'Ce-Time': half === 'request' ? inference.requestedAt : inference.respondedAt,
    'Ce-Recordedtime': recordedAt,
    'Ce-Inferenceservicename': inference.endpointName,
    'Ce-Namespace': inference.projectId,
    'Ce-Endpoint': inference.endpointId,
    'Ce-Component': 'predictor',
    // Go's canonical spelling of the header, and a list, as KServe's metadataHeaders gives them.
    'Ce-Metadata': asciiJson({ 'X-Request-Id': [inference.requestId] }),
    'Ce-Annotations': asciiJson({
      'vitae.dev/variant-id': inference.variantId,
      'vitae.dev/model-version-id': inference.modelVersionId,
      'vitae.dev/endpoint-id': inference.endpointId,
    }),
    ...(half === 'response' ? { 'Ce-Statuscode': '200' } : {}),
  };
}

/** JSON that a header can carry: what is not ASCII is escaped. */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** An id that a header carried in; undefined when it is unfit to be carried on. */
export const usableId = (value: string | undefined): string | undefined => (value !== undefined && /^[\x21-\x7e]{1,200}$/.test(value) ? value : undefined);
