import type { Era } from './revisions.js';

/** How a message travels through the gateway. */
export type MethodShape = 'unary' | 'list' | 'stream' | 'notification' | 'handshake' | 'local';

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
  readonly nameHeader?: 'name' | 'uri';
}

const LEGACY: readonly Era[] = ['legacy'];
const MODERN: readonly Era[] = ['modern'];
const BOTH: readonly Era[] = ['legacy', 'modern'];

/**
 * Methods from client to server (MCP 2024-11-05 … 2025-11-25 and 2026-07-28, "Schema"). What is not here fails by absence: server
 * methods, tasks of both kinds, and, per era, what a revision removed. Over HTTP the modern era has no client notifications.
 */
export const METHODS: ReadonlyMap<string, MethodRow> = new Map<string, MethodRow>([
  ['initialize', { eras: LEGACY, shape: 'handshake' }],
  ['server/discover', { eras: MODERN, shape: 'handshake' }],
  ['tools/list', { eras: BOTH, shape: 'list', capability: 'tool', listKey: 'tools' }],
  ['tools/call', { eras: BOTH, shape: 'unary', capability: 'tool', nameHeader: 'name' }],
  ['prompts/list', { eras: BOTH, shape: 'list', capability: 'prompt', listKey: 'prompts' }],
  ['prompts/get', { eras: BOTH, shape: 'unary', capability: 'prompt', nameHeader: 'name' }],
  ['resources/list', { eras: BOTH, shape: 'list', capability: 'resource', listKey: 'resources' }],
  ['resources/templates/list', { eras: BOTH, shape: 'list', capability: 'resource', listKey: 'resourceTemplates' }],
  ['resources/read', { eras: BOTH, shape: 'unary', capability: 'resource', nameHeader: 'uri' }],
  ['resources/subscribe', { eras: LEGACY, shape: 'unary', capability: 'resource' }],
  ['resources/unsubscribe', { eras: LEGACY, shape: 'unary', capability: 'resource' }],
  ['completion/complete', { eras: BOTH, shape: 'unary', capability: 'completion' }],
  ['subscriptions/listen', { eras: MODERN, shape: 'stream' }],
  ['ping', { eras: LEGACY, shape: 'local' }],
  ['logging/setLevel', { eras: LEGACY, shape: 'local' }],
  ['notifications/initialized', { eras: LEGACY, shape: 'notification' }],
  ['notifications/cancelled', { eras: LEGACY, shape: 'notification' }],
  ['notifications/progress', { eras: LEGACY, shape: 'notification' }],
  ['notifications/roots/list_changed', { eras: LEGACY, shape: 'notification' }],
]);

/** The method's row; undefined where the era has no such method. */
export function methodFor(era: Era, name: string): MethodRow | undefined {
  const row = METHODS.get(name);
  return row?.eras.includes(era) === true ? row : undefined;
}
