import { eventually } from '@switchyard/testing';
import {
  exchange,
  INITIALIZE,
  messagesIn,
  open,
  type OpenAnswer,
  type RawAnswer,
  type RawMessage,
} from './raw-client.fixture.js';

const OLDEST = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: '2024-11-05' } };

/** An edge, and a key for it. */
interface Edge {
  readonly url: string;
  readonly key: string;
}

/** A raw session over HTTP with SSE (MCP 2024-11-05). */
export interface SseStream {
  readonly answer: OpenAnswer;
  /** What the endpoint event names. */
  readonly path: string;
  readonly messages: () => RawMessage[];
  /** Posts a message. @param at the edge that is to get it; the one that holds the stream unless told */
  post(body: unknown, headers?: Record<string, string>, at?: Edge): Promise<RawAnswer>;
  /** Waits for the response to a request. */
  response(id: unknown): Promise<RawMessage>;
}

/** Opens a stream at the server `work` and initializes its session. @param on the edge; @param body its `initialize` */
export async function openStream(on: Edge, body: unknown = OLDEST): Promise<SseStream> {
  const answer = await open(on.url, {
    path: '/mcp/work/sse',
    method: 'GET',
    key: on.key,
    headers: { accept: 'text/event-stream' },
  });
  await eventually(() => answer.text().includes('\n\n'));
  const [, path = ''] = /^event: endpoint\ndata: (.*)\n\n/.exec(answer.text()) ?? [];
  const messages = () => messagesIn(answer.text().replace(/^event: endpoint\n.*\n\n/, ''));
  const stream: SseStream = {
    answer,
    path,
    messages,
    post: (message, headers = {}, at = on) => exchange(at.url, { path, key: on.key, body: message, headers }),
    response: (id) => eventually(() => messages().find((message) => message.id === id) ?? false),
  };
  await stream.post(body);
  await stream.response(0);
  return stream;
}
