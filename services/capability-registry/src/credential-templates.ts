import type { GatewayConfig } from '@switchyard/gateway-config';
import { needsCredential } from './compile-snapshot.js';

/** How the vault builds the credential of one upstream. Values hold references; the vault resolves them. */
export interface Template {
  readonly upstream: string;
  readonly headers: Record<string, string>;
  readonly env: Record<string, string>;
}

/** What the vault must keep for each upstream that needs a credential. */
export function credentialTemplates(config: GatewayConfig): Template[] {
  return Object.entries(config.upstreams)
    .filter(([, upstream]) => needsCredential(upstream))
    .map(([name, upstream]) => ({
      upstream: name,
      headers: upstream.kind === 'http' ? { ...upstream.headers } : {},
      env: upstream.kind === 'stdio' ? { ...upstream.env } : {},
    }));
}
