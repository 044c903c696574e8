import type { CompiledSource } from './catalog.js';
import type { Call } from './exchange.js';
import { mayReach } from './stages/authorize.js';

type WhoAndWhere = Pick<Call, 'exchange' | 'caller'>;

/** The sources of the server of which some rule speaks to the caller. Nothing is asked, and nothing told, of the others. */
export function reachableSources({ exchange, caller }: WhoAndWhere): readonly CompiledSource[] {
  return exchange.server.sources.filter((source) => mayReach(caller.principal, source, exchange.catalog));
}

/** The upstreams of those sources, each once, in configuration order. */
export function reachableUpstreams(call: WhoAndWhere): string[] {
  return [...new Set(reachableSources(call).map(({ upstream }) => upstream))];
}
