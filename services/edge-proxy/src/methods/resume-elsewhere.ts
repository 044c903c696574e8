import { EdgeService, StreamState } from '@switchyard/contracts';
import { randomUUID } from 'node:crypto';
import { askedOf } from '../asked.js';
import type { StreamCall } from '../changes/listening.js';
import type { Edge } from '../edge.js';
import type { StreamPlace } from '../event-id.js';
import type { LoggedEvent } from '../event-log.js';
import type { ClientSession } from '../session-store.js';

const { readStream } = EdgeService.method;

/** How often an edge that does not answer in time is asked again: one that is no more says so at once. */
const TRIES = 3;
/** Longest wait for an answer, which comes after a second where there is nothing to tell. */
const READ_MS = 3_000;

/** What became of a stream of another edge's. */
export type ReadThere = 'ended' | 'taken_over' | 'client_gone' | 'unknown';

interface ReadOptions {
  /** Gets every event, in order; resolves when the client has room for more. */
  readonly onEvent: (event: LoggedEvent) => Promise<void> | void;
  /** Whether nobody wants what is still to come. */
  readonly isGone: () => boolean;
}

/**
 * Reads what followed a place on a stream at the edge that holds it, as it comes, until it ends there. What has not been heard when the
 * client goes, that edge keeps.
 */
export async function readElsewhere(
  { exchange, caller }: StreamCall,
  session: ClientSession,
  place: StreamPlace,
  { onEvent, isGone }: ReadOptions,
  { peers, log }: Edge,
): Promise<ReadThere> {
  const { stream } = place;
  const asked = askedOf(exchange, caller);
  const reader = randomUUID();
  const read = (after: number, leaves: boolean) =>
    peers.ask(place.edge, readStream, { asked, session: session.id, stream, after, reader, leaves }, READ_MS);
  const leave = (after: number) =>
    void read(after, true).catch((error: unknown) => log.error('another edge was not told that a reader has gone', { error }));
  let { sequence } = place;
  for (let tries = 1; !isGone();) {
    const found = await read(sequence, false);
    if (found === undefined && tries < TRIES) {
      tries += 1;
      continue;
    }
    tries = 1;
    if (found === undefined || found.state === StreamState.UNSPECIFIED) return 'unknown';
    for (const { sequence: next, data } of found.events) {
      await onEvent({ sequence: next, id: `${stream}.${next}`, data: await peers.contents.unpack(data) });
      if (isGone()) break;
      sequence = next;
    }
    if (found.state === StreamState.TAKEN_OVER) return 'taken_over';
    if (found.state !== StreamState.ENDED || isGone()) continue;
    leave(sequence);
    return 'ended';
  }
  leave(sequence);
  return 'client_gone';
}
