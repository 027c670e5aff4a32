import { traceHeaders } from '@vitae/service-kit';

const PATIENCE_MS = 10_000;

/** Taken; not taken, and never to be (the server finds the event itself wrong); or not now. */
export type Pushed = { readonly is: 'taken' } | { readonly is: 'refused' | 'later'; readonly why: string };

/** Sends one event to a server of OpenLineage. The address is the operator's, so it may be any. Never rejects. */
export async function push(target: string, apiKey: string | undefined, event: object, stopped: AbortSignal): Promise<Pushed> {
  try {
    const response = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }), ...traceHeaders() },
      body: JSON.stringify(event),
      redirect: 'error',
      signal: AbortSignal.any([stopped, AbortSignal.timeout(PATIENCE_MS)]),
    });
    await response.body?.cancel();
    if (response.ok) return { is: 'taken' };
    // Of a wrong key or a wrong address the event is not to blame: it waits until somebody mends that.
    return { is: response.status === 400 || response.status === 422 ? 'refused' : 'later', why: `it answered ${response.status}` };
  } catch (error) {
    return { is: 'later', why: error instanceof Error ? error.message : String(error) };
  }
}
