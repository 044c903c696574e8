import type { Connection } from './connections/connection.js';
import type { CredentialParts } from './credential.js';
import { upstreamSettings, type UpstreamSettings } from './upstream-oauth/upstream-settings.js';
import { keySettings, type KeySettings } from './user-key/key-settings.js';

/** How people connect to an upstream: over its authorization server, or with a key that they enter. */
export type ConnectWay =
  { readonly kind: 'oauth'; readonly settings: UpstreamSettings } | { readonly kind: 'user-key'; readonly settings: KeySettings };

const WAYS: { readonly [Kind in ConnectWay['kind']]: (settings: CredentialParts['settings']) => ConnectWay } = {
  oauth: (settings) => ({ kind: 'oauth', settings: upstreamSettings.parse(settings) }),
  'user-key': (settings) => ({ kind: 'user-key', settings: keySettings.parse(settings) }),
};

/** Kinds of credential that people connect. */
export const CONNECTED_KINDS: ReadonlySet<string> = new Set(Object.keys(WAYS));

const isConnected = (kind: string): kind is ConnectWay['kind'] => CONNECTED_KINDS.has(kind);

/** How people connect, where the credential is their own. @throws ZodError where the settings are not those that were checked */
export const connectWayOf = ({ kind, settings }: CredentialParts): ConnectWay | undefined =>
  isConnected(kind) ? WAYS[kind](settings) : undefined;

/** Whether a connection was made in this way: what an earlier configuration asked for may be of no use in another. */
export function fits(way: ConnectWay, connection: Connection): boolean {
  if (way.kind === 'oauth') return connection.format === 1;
  return connection.format === 2 && connection.origin === new URL(way.settings.url).origin;
}
