/** `<service>.<Aggregate>-<id>`, e.g. `registry.ModelVersion-0199…`: the name of one aggregate's stream. */
export function streamName(category: string, id: string): string {
  return `${category}-${id}`;
}

/** The aggregate's id in its stream's name. */
export function aggregateId(stream: string): string {
  return stream.slice(stream.indexOf('-') + 1);
}

/** The NATS subject of an event: `vitae.ledger.<projectId>.<service>.<Aggregate>.<Event>`. */
export function subjectOf(event: { readonly projectId: string; readonly stream: string; readonly type: string }): string {
  const category = event.stream.slice(0, event.stream.indexOf('-'));
  const name = event.type.slice(event.type.lastIndexOf('.') + 1);
  return `vitae.ledger.${event.projectId}.${category}.${name}`;
}
