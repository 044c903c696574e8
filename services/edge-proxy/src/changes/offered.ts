import type { UpstreamProfile } from '../upstream/link.js';
import { hasSubscriptions } from '../upstream-subscription.js';
import { both, type Filter, filterOf, KINDS } from './filter.js';

/** What of a filter a server says that it can tell. */
export function offered({ capabilities }: UpstreamProfile, wanted: Filter): Filter {
  const kinds = KINDS.filter(
    (kind) => (capabilities[kind] as Readonly<Record<string, unknown>> | undefined)?.listChanged === true,
  );
  return both(wanted, filterOf(kinds, hasSubscriptions({ capabilities }) ? (wanted.resourceSubscriptions ?? []) : []));
}
