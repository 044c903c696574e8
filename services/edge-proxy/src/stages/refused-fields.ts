import { CODES } from '@switchyard/mcp';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { fetchList } from '../methods/fetch-list.js';
import type { UpstreamAnswer } from '../upstream/link.js';

/**
 * Whether an upstream has refused a call for its `Mcp-Param-*`, which means that it has not looked at the call itself: the one answer
 * with this code and HTTP 400, with nothing before it (MCP 2026-07-28, "Custom Headers from Tool Parameters").
 */
export function isRefusedForFields({ inbound }: Call, answer: UpstreamAnswer): boolean {
  return (
    answer.kind === 'response' &&
    answer.message.envelope.errorCode === CODES.headerMismatch &&
    answer.status === 400 &&
    inbound.envelope.method === 'tools/call'
  );
}

/** What is known of an upstream's tools is looked up anew: the schemas may have changed that the fields were made from. */
export async function refreshTools(call: Call, upstream: string, edge: Edge): Promise<void> {
  await fetchList(call, upstream, 'tools', 'now', edge);
}

type Fields = Readonly<Record<string, string>> | undefined;

/** Whether the fields are the same, so that sending them again would bring the same answer. */
export function sameFields(one: Fields = {}, other: Fields = {}): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
