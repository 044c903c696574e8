import type { EventView } from '@switchyard/contracts';
import { randomUUID } from 'node:crypto';

/** A tool call as a client saw it, and the event that must be found for it. */
export interface ExpectedCall {
  readonly requestId: string;
  readonly event: Partial<EventView>;
}

/** Every tool call of a test run, kept on the clients' side: the oracle for the audit trail. */
export class CallLedger {
  readonly calls: ExpectedCall[] = [];

  /**
   * A fetch for MCP clients that gives every request an id of its own and writes down the tool calls.
   * @param event what the event of a call must say, beside what follows from the call itself
   */
  fetch(event: Partial<EventView>): typeof globalThis.fetch {
    return async (input, init) => {
      const requestId = `e2e-${randomUUID()}`;
      const headers = new Headers(init?.headers);
      headers.set('x-request-id', requestId);
      const response = await fetch(input, { ...init, headers });
      const tool = toolCalled(init?.body);
      if (tool !== undefined)
        this.add(requestId, REFUSED.get(response.status) ?? { type: 'tool.called', capability: tool, ...event });
      return response;
    };
  }

  add(requestId: string, event: Partial<EventView>): void {
    this.calls.push({ requestId, event });
  }
}

/** Statuses of the answer as a whole, which say by themselves what the event is. */
const REFUSED: ReadonlyMap<number, Partial<EventView>> = new Map([
  [401, { type: 'auth.rejected', outcome: 'denied', http_status: 401 }],
  [403, { type: 'policy.denied', outcome: 'denied', http_status: 403, reason: 'insufficient_scope' }],
]);

function toolCalled(body: unknown): string | undefined {
  if (typeof body !== 'string') return undefined;
  const message = JSON.parse(body) as { method?: string; params?: { name?: string } };
  return message.method === 'tools/call' ? message.params?.name : undefined;
}
