import type { Mapping } from '../mapping.js';

/** Switchyard's own words: the line as its emitter wrote it, ProtoJSON of switchyard.events.v1.Event. */
export const rawMapping: Mapping = { contentType: 'application/json', map: (_event, line) => line };
