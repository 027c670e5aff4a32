import { Refused } from '@vitae/event-store';

/** Told by every command about a version that governance has not heard of, or that is another project's. */
export const noSuchModelVersion = (id: string): Refused =>
  new Refused('MODEL_VERSION_NOT_FOUND', `There is no model version ${id} in this project. Register it at the registry first.`, 404);
