import { SseParser, type SseEvent } from '@switchyard/mcp';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../terminal/cli-error.js';
import { callApi, refusalOf } from './admin-client.js';
import { notAnswering, type GatewayAccess } from './find-gateway.js';

/** An event has at most 64 Ki characters; escaped for a terminal it may be longer. */
const EVENT_LIMIT_BYTES = 1024 ** 2;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Follows a stream of events of the gateway's API, over interruptions, for ever.
 * @param onInterrupted told when it has ended, before it is opened again
 * @throws CliError where the gateway refuses, or does not answer the first time
 */
export async function* followApi(
  gateway: GatewayAccess,
  path: string,
  onInterrupted: () => void,
): AsyncGenerator<SseEvent, never> {
  let lastEventId = '';
  let pauseMs = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    const body = await open(gateway, path, lastEventId, attempt === 1);
    if (body !== undefined) {
      const parser = new SseParser(EVENT_LIMIT_BYTES);
      for await (const chunk of whatComes(body)) {
        const events = parser.push(Buffer.from(chunk));
        // Also moved on by what is no event.
        lastEventId = parser.lastEventId || lastEventId;
        pauseMs = parser.retryMs ?? FIRST_PAUSE_MS;
        yield* events;
      }
      onInterrupted();
    }
    await delay(pauseMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** @returns undefined where trying again can help */
async function open(
  gateway: GatewayAccess,
  path: string,
  lastEventId: string,
  isFirst: boolean,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const response = await callApi(gateway, { path, headers: lastEventId === '' ? {} : { 'last-event-id': lastEventId } });
  if (response?.ok === true && response.body !== null) return response.body;
  if (response === undefined && isFirst) throw notAnswering(gateway.url);
  if (response !== undefined && (isFirst || (response.status < 500 && response.status !== 429)))
    throw new CliError(await refusalOf(response, gateway.url));
  return undefined;
}

/** A body rejects with a TypeError where the connection broke (Fetch, "HTTP-network fetch"): what came so far has come. */
async function* whatComes(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}
