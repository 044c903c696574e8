import { REVISION_TABLES } from './revisions.js';
import type { Era } from './revisions/era.js';
import type { RevisionTable } from './revisions/revision-table.js';

/** How a message travels through the gateway. */
export type MethodShape = 'unary' | 'task' | 'list' | 'stream' | 'notification' | 'handshake' | 'local';

/** What the gateway knows of one method that clients send. */
export interface MethodRow {
  /** Eras that have the method. */
  readonly eras: readonly Era[];
  readonly shape: MethodShape;
  /** Kind of capability that the message is about. */
  readonly capability?: 'tool' | 'prompt' | 'resource' | 'completion';
  /** Member of a list's result that holds the items. */
  readonly listKey?: 'tools' | 'prompts' | 'resources' | 'resourceTemplates';
  /** Member of params that the Mcp-Name header field mirrors (MCP 2026-07-28, "Standard Request Headers"). */
  readonly nameHeader?: 'name' | 'uri' | 'taskId';
}

/** How the gateway takes each method; which revision has it is said by the revisions' own tables alone. */
const ROUTES: readonly (readonly [method: string, route: Omit<MethodRow, 'eras'>])[] = [
  ['initialize', { shape: 'handshake' }],
  ['server/discover', { shape: 'handshake' }],
  ['tools/list', { shape: 'list', capability: 'tool', listKey: 'tools' }],
  ['tools/call', { shape: 'unary', capability: 'tool', nameHeader: 'name' }],
  ['prompts/list', { shape: 'list', capability: 'prompt', listKey: 'prompts' }],
  ['prompts/get', { shape: 'unary', capability: 'prompt', nameHeader: 'name' }],
  ['resources/list', { shape: 'list', capability: 'resource', listKey: 'resources' }],
  ['resources/templates/list', { shape: 'list', capability: 'resource', listKey: 'resourceTemplates' }],
  ['resources/read', { shape: 'unary', capability: 'resource', nameHeader: 'uri' }],
  ['resources/subscribe', { shape: 'unary', capability: 'resource' }],
  ['resources/unsubscribe', { shape: 'unary', capability: 'resource' }],
  ['completion/complete', { shape: 'unary', capability: 'completion' }],
  ['tasks/get', { shape: 'task', capability: 'tool', nameHeader: 'taskId' }],
  ['tasks/result', { shape: 'task', capability: 'tool' }],
  ['tasks/update', { shape: 'task', capability: 'tool', nameHeader: 'taskId' }],
  ['tasks/cancel', { shape: 'task', capability: 'tool', nameHeader: 'taskId' }],
  ['subscriptions/listen', { shape: 'stream' }],
  ['ping', { shape: 'local' }],
  ['logging/setLevel', { shape: 'local' }],
  ['notifications/initialized', { shape: 'notification' }],
  ['notifications/cancelled', { shape: 'notification' }],
  ['notifications/progress', { shape: 'notification' }],
  ['notifications/roots/list_changed', { shape: 'notification' }],
];

const isFromClient = (table: RevisionTable, method: string): boolean =>
  table.clientRequests.has(method) || table.extensionRequests.has(method) || table.clientNotifications.has(method);

function erasOf(method: string): Era[] {
  const eras: readonly Era[] = ['legacy', 'modern'];
  return eras.filter((era) => REVISION_TABLES.some((table) => table.era === era && isFromClient(table, method)));
}

/**
 * Methods from client to server that the gateway takes (MCP 2024-11-05 … 2025-11-25 and 2026-07-28, "Schema"). What is not here fails by
 * absence: server methods, lists of tasks, whose upstreams cannot be asked for one caller's own, and, per revision, what it removed. Over
 * HTTP the modern era has no client notifications.
 */
export const METHODS: ReadonlyMap<string, MethodRow> = new Map(
  ROUTES.map(([method, route]) => [method, { eras: erasOf(method), ...route }]),
);

/** The method's row; undefined where the era has no such method. */
export function methodFor(era: Era, name: string): MethodRow | undefined {
  const row = METHODS.get(name);
  return row?.eras.includes(era) === true ? row : undefined;
}

/** The method's row; undefined where the revision has no such method, or the gateway does not take it. */
export function methodIn(table: RevisionTable, name: string): MethodRow | undefined {
  return isFromClient(table, name) ? METHODS.get(name) : undefined;
}
