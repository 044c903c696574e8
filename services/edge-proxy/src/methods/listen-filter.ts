import type { Envelope } from '@switchyard/mcp';
import * as z from 'zod';

/** What a client wants to hear of (MCP 2026-07-28, "Subscriptions"). */
export const filterSchema = z.object({
  toolsListChanged: z.boolean().optional(),
  promptsListChanged: z.boolean().optional(),
  resourcesListChanged: z.boolean().optional(),
  resourceSubscriptions: z.array(z.string()).optional(),
});

export type Filter = z.infer<typeof filterSchema>;

/** A notification on the stream of a subscription. */
export interface Notification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: { readonly notifications?: Filter; readonly _meta?: Readonly<Record<string, unknown>> };
}

const SWITCHES = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const;

const SWITCH_OF_METHOD: ReadonlyMap<string, (typeof SWITCHES)[number]> = new Map([
  ['notifications/tools/list_changed', 'toolsListChanged'],
  ['notifications/prompts/list_changed', 'promptsListChanged'],
  ['notifications/resources/list_changed', 'resourcesListChanged'],
]);

/** Whether a notification is among what was asked for; upstreams may send more than that. */
export function passes(filter: Filter, { method, uri }: Envelope): boolean {
  if (method === 'notifications/resources/updated') return filter.resourceSubscriptions?.includes(uri ?? '') ?? false;
  const name = SWITCH_OF_METHOD.get(method);
  return name !== undefined && filter[name] === true;
}

/** What any of them names. */
export function union(filters: readonly Filter[]): Filter {
  const joined: Filter = {};
  for (const name of SWITCHES) if (filters.some((filter) => filter[name])) joined[name] = true;
  const uris = [...new Set(filters.flatMap(({ resourceSubscriptions }) => resourceSubscriptions ?? []))];
  return uris.length > 0 ? { ...joined, resourceSubscriptions: uris } : joined;
}
