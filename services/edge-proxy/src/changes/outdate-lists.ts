import type { Edge } from '../edge.js';
import { KINDS, listChanged } from './filter.js';

/** An upstream may have said, unheard, that its lists have changed: what is kept of them is old. */
export function outdateLists(upstream: string, { lists }: Pick<Edge, 'lists'>): void {
  for (const kind of KINDS) lists.heard(upstream, listChanged(kind));
}
