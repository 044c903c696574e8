import { notFound } from '@switchyard/admin-api';
import type { RequestStory } from '@switchyard/contracts';
import type { EventTrail } from '../event-trail.js';
import type { ReadScope } from '../read-scope.js';
import { inOrder } from './in-order.js';
import { waterfallOf } from './waterfall.js';

const EVENTS_LIMIT = 1_000;

/**
 * Tells what happened to a request.
 * @throws Problem 404 where nothing is known of it that the reader may know
 */
export async function tellStory(trail: EventTrail, scope: ReadScope, requestId: string): Promise<RequestStory> {
  const found = await trail.events(scope, { request_id: requestId }, EVENTS_LIMIT + 1);
  if (found.length === 0)
    throw notFound('There are no events of a request with this id. An event can be read about a second after it happened.');
  const events = inOrder(found.slice(0, EVENTS_LIMIT));
  const { startedAtMs, durationUs, steps } = waterfallOf(events);
  return {
    request_id: requestId,
    started_at: new Date(startedAtMs).toISOString(),
    duration_us: durationUs,
    events,
    waterfall: [...steps],
    ...(found.length > EVENTS_LIMIT ? { truncated: true } : {}),
  };
}
