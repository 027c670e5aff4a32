import type { Handled } from '@vitae/event-store';
import type { Message } from '@bufbuild/protobuf';
import type { Response } from 'express';

type Done = Pick<Handled<Message>, 'stream' | 'revision'>;

/**
 * Answers a command that made something: 201, Location, ETag with the revision, and `{ stream, revision, ...body }`.
 * The route needs `@Res({ passthrough: true }) res: Response` and returns what this returns.
 * @param location path of what was made, as a caller of this service would write it.
 */
export function created<Body extends object>(res: Response, handled: Done, location: string, body: Body): Body & Done {
  res.status(201).location(location);
  return changed(res, handled, body);
}

/** Answers a command that changed something: the ETag with the new revision and `{ stream, revision, ...body }`. */
export function changed<Body extends object>(res: Response, handled: Done, body: Body): Body & Done {
  res.set('ETag', etag(handled.revision));
  return { ...body, stream: handled.stream, revision: handled.revision };
}

/** A revision as an entity tag: 3 becomes `"3"`. Set it on a read as well, so that the reader can send it in If-Match. */
export const etag = (revision: number): string => `"${revision}"`;
