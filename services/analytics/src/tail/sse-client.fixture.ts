import { eventually } from '@switchyard/testing';
import { request, type IncomingMessage } from 'node:http';

/** A block of a stream of events, as it was written. */
export interface Block {
  readonly id?: string;
  readonly event: string;
  readonly data?: unknown;
}

/** A client of a tail. */
export interface SseClient extends AsyncDisposable {
  readonly status: number;
  /** Of an answer that is no stream. */
  readonly body: () => string;
  readonly blocks: () => readonly Block[];
  /** The id set last. */
  readonly lastEventId: () => string;
  /** `request_id` of every event shown. */
  readonly requests: () => string[];
  /** Waits until it is so. */
  until(isSo: (blocks: readonly Block[]) => boolean): Promise<void>;
  /** Whether the server has ended it. */
  readonly ended: () => boolean;
  /** Reads nothing from now on. */
  pause(): void;
  resume(): void;
}

function parse(text: string): Block[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => {
      const fields = new Map(block.split('\n').map((line) => [line.split(': ', 1)[0] ?? '', line.slice(line.indexOf(': ') + 2)]));
      const [id, data] = [fields.get('id'), fields.get('data')];
      return {
        event: fields.get('event') ?? 'message',
        ...(id === undefined ? {} : { id }),
        ...(data === undefined ? {} : { data: JSON.parse(data) as unknown }),
      };
    });
}

/** Opens a tail. Resolves with its head. */
export async function openTail(url: string, headers: Readonly<Record<string, string>>): Promise<SseClient> {
  const outgoing = request(url, { headers });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject).end();
  });
  let text = '';
  let isOver = false;
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => (text += chunk));
  response.on('error', () => (isOver = true));
  response.on('close', () => (isOver = true));
  const blocks = () => parse(text);
  return {
    status: response.statusCode ?? 0,
    body: () => text,
    blocks,
    lastEventId: () => blocks().findLast(({ id }) => id !== undefined)?.id ?? '',
    requests: () =>
      blocks().flatMap(({ event, data }) =>
        event === 'message' && data !== undefined ? [(data as { request_id?: string }).request_id ?? ''] : [],
      ),
    until: async (isSo) => {
      await eventually(() => isSo(blocks()), { timeoutMs: 30_000 });
    },
    ended: () => isOver,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    [Symbol.asyncDispose]: async () => {
      outgoing.destroy();
      await eventually(() => isOver);
    },
  };
}
