import { resultResponse } from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import { answered, type Ending } from '../ending.js';
import type { Call } from '../exchange.js';
import { reachableUpstreams } from '../reachable.js';
import { Refusal } from '../refusal.js';
import { decide } from '../stages/authorize.js';
import { fetchList } from './fetch-list.js';

/** Name of the tool that stands in a list for what is missing from it. */
export const STATUS_TOOL = 'gateway_status';

/** An upstream whose part is missing from a list. */
export interface Unavailable {
  readonly upstream: string;
  readonly reason: string;
  readonly message: string;
  /** Where the caller can connect to it, where that is what is missing. */
  readonly url?: string;
}

/** The notice, as a tool: models read tool descriptions, and nothing else of a list. */
export function statusTool(unavailable: readonly Unavailable[]): Buffer {
  const description = `Some tools of this server are missing now. ${unavailable.map(({ message }) => message).join(' ')} Call this tool for the current state.`;
  return Buffer.from(
    JSON.stringify({
      name: STATUS_TOOL,
      description,
      inputSchema: { type: 'object', properties: {} },
      annotations: { readOnlyHint: true },
    }),
  );
}

/** Answers a call of the status tool: one line for each upstream of the server that the caller may reach. */
export async function serveStatus(call: Call, edge: Edge): Promise<Ending> {
  const upstreams = reachableUpstreams(call);
  const lines = await Promise.all(upstreams.map(async (upstream) => `${upstream}: ${await state(call, upstream, edge)}`));
  const modern = call.inbound.era === 'modern' ? { resultType: 'complete' } : {};
  return answered(
    resultResponse(
      call.inbound.envelope.id,
      JSON.stringify({
        content: [{ type: 'text', text: lines.join('\n') || 'Nothing of this server is open to you.' }],
        ...modern,
      }),
    ),
  );
}

/** Asks for what would be missing; a session that was opened some time ago says nothing of now. */
async function state(call: Call, upstream: string, edge: Edge): Promise<string> {
  const fetched = await fetchList(call, upstream, 'tools', 'now', edge);
  if (fetched instanceof Refusal) return fetched.message;
  const leftOut = fetched.leftOut
    .filter(({ name }) => isOpen(call, upstream, name))
    .map(({ name, reason }) => `${name} (${reason})`);
  return leftOut.length === 0 ? 'ready' : `ready, but no client could use ${leftOut.join(', ')}`;
}

function isOpen({ exchange, caller }: Call, upstream: string, name: string): boolean {
  return exchange.server.sources.some(
    (source) =>
      source.upstream === upstream && decide(caller.principal, source, { kind: 'tool', name }, exchange.catalog).allowed,
  );
}
