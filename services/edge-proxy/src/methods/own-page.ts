import { pageOf, withoutPage } from '../app-resources.js';
import type { CapabilityKind, CompiledSource } from '../catalog.js';
import type { Edge } from '../edge.js';
import type { Call } from '../exchange.js';
import { decide } from '../stages/authorize.js';

/**
 * A tool whose page the caller would be given from another upstream, which has a tool with a page of the same URI, is shown without one
 * (the extension "MCP Apps"): what the one upstream answers is not for the page of the other.
 * @param text of a list's item, under the name that it has on the server
 */
export function ownPage(call: Call, source: CompiledSource, text: Buffer, kind: CapabilityKind, edge: Edge): Buffer {
  const page = kind === 'tool' ? pageOf(text) : undefined;
  if (page === undefined) return text;
  const { server, catalog } = call.exchange;
  const owners = edge.apps.sources(server, page);
  if (owners.length < 2) return text;
  const isOpen = (owner: CompiledSource) =>
    decide(call.caller.principal, owner, { kind: 'resource', name: page }, catalog).allowed;
  const given = owners.find(isOpen) ?? owners[0];
  if (given?.upstream === source.upstream) return text;
  const reason = 'another upstream has a page of the same URI';
  edge.log.warn('the page of a tool is left out', { upstream: source.upstream, reason });
  return withoutPage(text);
}
